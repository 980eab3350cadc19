import { Nats, publication } from "./nats.js";

const show = (id, text) => { document.getElementById(id).textContent = text; };
const on = (id, act) =>
  document.getElementById(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });

// Where NATS is and who this page is there: the page's own server says so.
const { url, mesh, user, password } = await (await fetch("access.json")).json();

try {
  const nats = await Nats.connect(url, user, password);
  const to = (agent) => `mw.${mesh}.web.${user}.to.${agent}`;
  nats.onRefused = (error) => show("refused", error.message);
  nats.subscribe(`mw.${mesh}.pub.greetings.>`, (_, bytes) => {
    const { subject, value } = publication(bytes);
    show("heard", `${subject}: ${JSON.stringify(value)}`);
  });
  on("form", async () => {
    const { ok, err } = await nats.ask(to("greeter"), { name: document.getElementById("name").value });
    show("answer", err ?? `${ok.text} The agent knows this page as ${ok.asker}.`);
  });
  on("other", () => nats.ask(to("diary"), { name: "Eve" }).then(
    ({ ok }) => show("refused", `it was not: ${JSON.stringify(ok)}`),
    (error) => show("refused", error.message),
  ));
  globalThis.nats = nats; // to play with in the browser's console
  show("state", "connected");
} catch (error) {
  show("state", error.message);
}
