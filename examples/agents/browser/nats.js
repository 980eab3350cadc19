// A NATS client for a page, as small as it can be: connect, subscribe, publish, ask.
// The protocol is text: https://docs.nats.io/reference/reference-protocols/nats-protocol
// Larger pages take @nats-io/nats-core from npm, which speaks the same.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export class Refused extends Error {}

export class Nats {
  // `user` also names the inbox: the server lets a page hear its own answers and nobody else's.
  static connect(url, user, password) {
    return new Promise((resolve, reject) => {
      const nats = new Nats(new WebSocket(url), user);
      nats.ready = resolve;
      nats.failed = reject;
      nats.socket.onclose = () => nats.end(new Error("the connection to NATS is closed"));
      nats.hello = { user, pass: password, verbose: false, pedantic: false, headers: true,
                     no_responders: true, lang: "page", version: "1", protocol: 1 };
    });
  }

  constructor(socket, user) {
    this.socket = socket;
    this.inbox = `_INBOX_${user}.${crypto.randomUUID().replaceAll("-", "")}`;
    this.heard = new Map();
    this.waiting = new Map();
    this.numbers = 0;
    this.left = new Uint8Array();
    this.onRefused = () => {};
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.received(new Uint8Array(data));
  }

  subscribe(subject, callback) {
    const number = ++this.numbers;
    this.heard.set(String(number), callback);
    this.send(`SUB ${subject} ${number}\r\n`);
  }

  publish(subject, payload, reply = "") {
    const body = encoder.encode(payload);
    this.send(`PUB ${subject} ${reply ? `${reply} ` : ""}${body.length}\r\n`, body, "\r\n");
  }

  // The answer to `value`, as JSON: {"ok": …} or {"err": …, "code": …}.
  ask(subject, value, milliseconds = 35000) {
    const reply = `${this.inbox}.${++this.numbers}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(reject, new Error(`${subject}: no answer`)), milliseconds);
      const settle = (end, what) => {
        clearTimeout(timer);
        this.waiting.delete(reply);
        end(what);
      };
      this.waiting.set(reply, {
        subject,
        answer: (bytes, status) =>
          status === "503"
            ? settle(reject, new Refused(`${subject}: nobody answers there`))
            : settle(resolve, JSON.parse(decoder.decode(bytes))),
        refuse: (error) => settle(reject, error),
      });
      this.publish(subject, JSON.stringify(value), reply);
    });
  }

  send(...parts) {
    this.socket.send(new Blob(parts));
  }

  end(error) {
    this.failed(error);
    for (const { refuse } of [...this.waiting.values()]) refuse(error);
  }

  received(data) {
    const all = new Uint8Array(this.left.length + data.length);
    all.set(this.left);
    all.set(data, this.left.length);
    let at = 0;
    for (;;) {
      const end = all.indexOf(10, at); // \n
      if (end < 0) break;
      const words = decoder.decode(all.subarray(at, end)).trim().split(/ +/);
      const size = words[0] === "MSG" || words[0] === "HMSG" ? Number(words.at(-1)) : -1;
      if (end + 1 + size + 2 > all.length && size >= 0) break; // the rest is on its way
      if (size >= 0) this.message(words, all.slice(end + 1, end + 1 + size));
      else this.word(words);
      at = end + 1 + (size >= 0 ? size + 2 : 0);
    }
    this.left = all.slice(at);
  }

  word([what, ...rest]) {
    if (what === "INFO" && this.hello) {
      this.send(`CONNECT ${JSON.stringify(this.hello)}\r\nSUB ${this.inbox}.* 0\r\nPING\r\n`);
      this.hello = null;
    } else if (what === "PING") this.send("PONG\r\n");
    else if (what === "PONG") this.ready(this);
    else if (what === "-ERR") this.refused(rest.join(" ").replaceAll("'", ""));
  }

  // The server's word on what this user may not; it names the subject.
  refused(text) {
    const error = new Refused(text);
    const subject = /Publish to "(.*)"/.exec(text)?.[1];
    const asked = [...this.waiting.values()].find((each) => each.subject === subject);
    if (asked) asked.refuse(error);
    else if (/Authorization/.test(text)) this.failed(error);
    else this.onRefused(error);
  }

  message(words, bytes) {
    const [kind, subject, number] = words;
    let status = "";
    if (kind === "HMSG") {
      const head = Number(words.at(-2));
      status = decoder.decode(bytes.subarray(0, head)).split("\r\n")[0].split(" ")[1] ?? "";
      bytes = bytes.subarray(head);
    }
    if (number === "0") this.waiting.get(subject)?.answer(bytes, status);
    else this.heard.get(number)?.(subject, bytes);
  }
}

// What an agent published: a frame of the mesh (a head, a seal, JSON), which only nodes may send there.
// A page has no keys to check the seal with; it trusts the server that it signed in to.
export function publication(bytes) {
  if (decoder.decode(bytes.subarray(0, 3)) !== "MWE" || bytes[3] !== 1 || bytes[4] !== 2)
    throw new Error("no publication of this version");
  const [, , , , body] = JSON.parse(decoder.decode(bytes.subarray(6 + bytes[5] + 128)));
  return { subject: body.subject, from: body.message.from, value: JSON.parse(body.message.payload) };
}
