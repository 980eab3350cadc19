;; The fixed-name tools of the MCP conformance harness that a component can be: under the name `test`
;; they are test_simple_text and so on. Every result lies ready in memory.
(component
  (core module $code
    (memory (export "memory") 1)
    (data (i32.const 1024) "This is a simple text response for testing.")
    (data (i32.const 1072) "image/png")
    (data (i32.const 1088) "audio/wav")
    (data (i32.const 1104) "text/plain")
    (data (i32.const 1120) "application/json")
    (data (i32.const 1136) "\89PNG\0d\0a\1a\0a\00\00\00\0dIHDR\00\00\00\01\00\00\00\01\08\06\00\00\00\1f\15\c4\89\00\00\00\0dIDATx\dac\fc\cf\c0\f0\1f\00\05\05\02\00_\c8\f1\d2\00\00\00\00IEND\aeB`\82")
    (data (i32.const 1216) "RIFF&\00\00\00WAVEfmt \10\00\00\00\01\00\01\00@\1f\00\00\00}\00\00\02\00\10\00data\02\00\00\00")
    (data (i32.const 1264) "This is an embedded resource content.")
    (data (i32.const 1312) "test://embedded-resource")
    (data (i32.const 1344) "Multiple content types test:")
    (data (i32.const 1376) "{\22test\22:\22data\22,\22value\22:123}")
    (data (i32.const 1408) "test://mixed-content-resource")
    (data (i32.const 1440) "This tool intentionally returns an error for testing")
    ;; string
    (data (i32.const 1504) "\00\04\00\00+\00\00\00")
    ;; media: mime-type, data, name = none, uri = none
    (data (i32.const 1520) "0\04\00\00\09\00\00\00p\04\00\00F\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
    ;; media
    (data (i32.const 1568) "@\04\00\00\09\00\00\00\c0\04\00\00,\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
    ;; media with a uri
    (data (i32.const 1616) "P\04\00\00\0a\00\00\00\f0\04\00\00%\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00 \05\00\00\18\00\00\00")
    ;; three contents of 44 bytes: text, media, media
    (data (i32.const 1664) "\00\00\00\00@\05\00\00\1c\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\000\04\00\00\09\00\00\00p\04\00\00F\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00`\04\00\00\10\00\00\00`\05\00\00\1b\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\80\05\00\00\1d\00\00\00")
    ;; list of them
    (data (i32.const 1808) "\80\06\00\00\03\00\00\00")
    ;; result: err(string)
    (data (i32.const 1824) "\01\00\00\00\a0\05\00\004\00\00\00")

    (func (export "simple-text") (result i32) (i32.const 1504))
    (func (export "image-content") (result i32) (i32.const 1520))
    (func (export "audio-content") (result i32) (i32.const 1568))
    (func (export "embedded-resource") (result i32) (i32.const 1616))
    (func (export "multiple-content-types") (result i32) (i32.const 1808))
    (func (export "error-handling") (result i32) (i32.const 1824))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))

  (core instance $i (instantiate $code))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "cabi_realloc" (core func $realloc))

  (type $media' (record
    (field "mime-type" string) (field "data" (list u8)) (field "name" (option string)) (field "uri" (option string))))
  (import "media" (type $media (eq $media')))
  (type $content' (variant (case "text" string) (case "media" $media)))
  (import "content" (type $content (eq $content')))

  (func $simple-text (result string)
    (canon lift (core func $i "simple-text") (memory $memory) (realloc $realloc)))
  (func $image-content (result $media)
    (canon lift (core func $i "image-content") (memory $memory) (realloc $realloc)))
  (func $audio-content (result $media)
    (canon lift (core func $i "audio-content") (memory $memory) (realloc $realloc)))
  (func $embedded-resource (result $media)
    (canon lift (core func $i "embedded-resource") (memory $memory) (realloc $realloc)))
  (func $multiple-content-types (result (list $content))
    (canon lift (core func $i "multiple-content-types") (memory $memory) (realloc $realloc)))
  (func $error-handling (result (result string (error string)))
    (canon lift (core func $i "error-handling") (memory $memory) (realloc $realloc)))

  (export "simple-text" (func $simple-text))
  (export "image-content" (func $image-content))
  (export "audio-content" (func $audio-content))
  (export "embedded-resource" (func $embedded-resource))
  (export "multiple-content-types" (func $multiple-content-types))
  (export "error-handling" (func $error-handling)))
