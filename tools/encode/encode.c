/* The functions of the world: codecs chosen, faults put in words, characters looked at. */

#include "encode.h"

#include "codecs.h"
#include "unicode.h"

#define USUAL_LIMIT 200

void encode_encode(const encode_encode_args_t *args, wit_string_t *result) {
    wit_text_t out = {0};
    bytes_t data = args->data.tag == ENCODE_INPUT_BYTES
                       ? (bytes_t){args->data.val.bytes.ptr, args->data.val.bytes.len}
                       : (bytes_t){args->data.val.text.ptr, args->data.val.text.len};
    CODECS[args->encoding].encode(data, &out);
    *result = wit_text_string(&out);
}

static wit_string_t words(const codec_t *codec, fault_t fault) {
    wit_text_t text = {0};
    wit_text_c(&text, "The text is not ");
    wit_text_c(&text, codec->name);
    wit_text_c(&text, ": it ");
    wit_text_c(&text, fault.reason);
    wit_text_c(&text, " (at byte ");
    wit_text_number(&text, fault.offset);
    wit_text_c(&text, ").");
    return wit_text_string(&text);
}

void encode_decode(const encode_decode_args_t *args, encode_result_decoded_string_t *result) {
    wit_text_t out = {0};
    const codec_t *codec = &CODECS[args->encoding];
    fault_t fault = codec->decode((bytes_t){args->text.ptr, args->text.len}, &out);
    result->is_err = fault.reason != 0;
    if (fault.reason) {
        result->val.err = words(codec, fault);
        return;
    }
    result->val.ok.bytes.ptr = out.ptr;
    result->val.ok.bytes.len = out.len;
    result->val.ok.text.is_some = is_utf8(out.ptr, out.len);
    result->val.ok.text.val = wit_text_string(&out);
}

static wit_string_t hexadecimal(const uint8_t *bytes, size_t len) {
    wit_text_t out = {0};
    CODECS[ENCODE_ENCODING_HEX].encode((bytes_t){bytes, len}, &out);
    return wit_text_string(&out);
}

static wit_string_t code_point(uint32_t point) {
    wit_text_t out = {0};
    wit_text_c(&out, "U+");
    for (int shift = point > 0xfffff ? 20 : point > 0xffff ? 16 : 12; shift >= 0; shift -= 4)
        wit_text_byte(&out, (uint8_t)"0123456789ABCDEF"[point >> shift & 15]);
    return wit_text_string(&out);
}

void encode_characters(const encode_characters_args_t *args, encode_list_character_t *result) {
    size_t limit = args->limit.is_some ? args->limit.val : USUAL_LIMIT;
    if (limit > args->text.len) limit = args->text.len;
    result->ptr = wit_alloc(limit * sizeof *result->ptr, _Alignof(encode_character_t));
    result->len = 0;
    for (size_t at = 0; at < args->text.len && result->len < limit;) {
        const uint8_t *bytes = args->text.ptr + at;
        size_t size = utf8_size(*bytes);
        uint32_t point = utf8_point(bytes, size);
        const char *note = note_of(point);
        if (!args->only_notable || note || point > 0x7e) {
            encode_character_t *out = &result->ptr[result->len++];
            out->char_ = point;
            out->code_point = code_point(point);
            out->offset = at;
            out->utf8 = hexadecimal(bytes, size);
            out->note.is_some = note != 0;
            if (note) out->note.val = (wit_string_t){(const uint8_t *)note, strlen(note)};
        }
        at += size;
    }
}
