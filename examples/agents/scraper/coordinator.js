// The coordinator: hands out the pages by priority, never more at once than configured, gathers what
// comes of them, and has the report written. A collector has one page at a time, so when it crashes
// (a message `down` says so) it is known which page has to be handed out again.

const PRIORITIES = ["critical", "high", "normal", "low"];

const effect = (tag, val) => ({ tag, val });
const send = (to, value, priority, kind) =>
  effect("send", { to, payload: JSON.stringify(value), priority, kind });
const reply = (re, value, failed = false) =>
  effect("reply", { re, payload: JSON.stringify(value), failed });

export function handle(context, message) {
  const config = JSON.parse(context.config);
  const kept = Object.fromEntries(context.memory).state;
  let run = kept ? JSON.parse(kept) : { over: true };
  const payload = JSON.parse(message.payload);
  const effects = [];
  if (message.kind === "request") {
    if (payload?.what !== "scrape") return [reply("", 'I understand {"what": "scrape"}', true)];
    if (!run.over) return [reply("", "a run is on its way", true)];
    run = begun(config, message);
  } else if (run.over) {
    return [];
  } else if (message.kind === "down") {
    down(run, payload);
  } else if (payload.what === "collected" || payload.what === "failed") {
    collected(run, payload, message.from);
  } else if (payload.what === "summary") {
    const page = run.pages[payload.job];
    if (page.state !== "failed") Object.assign(page, payload, { state: "done" });
  } else if (payload.what === "written") {
    run.over = true;
    effects.push(reply(run.asked, { report: payload.report, pages: run.pages, crashes: run.crashes }));
  }
  effects.push(...(run.over ? [] : next(config, run)));
  return [effect("store", { key: "state", value: JSON.stringify(run) }), ...effects];
}

function begun(config, message) {
  const pages = config.targets.map((target) => ({ ...target, priority: target.priority ?? "normal" }));
  for (const page of pages) Object.assign(page, { state: "waiting", turns: 0, tries: 0 });
  return { asked: message.id, started: Number(message.timestamp), over: false, pages, busy: {}, crashes: [] };
}

// What is to be sent now: pages to collectors that have none, or all of it to the writer.
function next(config, run) {
  const effects = [];
  const urgency = (job) => PRIORITIES.indexOf(run.pages[job].priority);
  const waiting = [...run.pages.keys()].filter((job) => run.pages[job].state === "waiting");
  for (const job of waiting.sort((one, other) => urgency(one) - urgency(other))) {
    const page = run.pages[job];
    if (Object.keys(run.busy).length >= config.concurrent) break;
    if (page.agent in run.busy) continue;
    run.busy[page.agent] = job;
    page.state = "given";
    page.turns += 1;
    const wanted = {
      job,
      turn: page.turns,
      agent: page.agent,
      url: config.site + page.page,
      timeout_ms: (page.timeout_s ?? config.timeout_s) * 1000,
      retries: config.retries,
      backoff_ms: config.backoff_ms,
    };
    effects.push(send(page.agent, wanted, page.priority, "coordination"));
  }
  if (!run.writing && run.pages.every((page) => page.state === "done" || page.state === "failed")) {
    run.writing = true;
    effects.push(send("writer", run, "normal", "data_transfer"));
  }
  return effects;
}

function collected(run, news, from) {
  const page = run.pages[news.job];
  if (run.busy[from] !== news.job || page.turns !== news.turn) return; // of an earlier turn
  delete run.busy[from];
  page.tries += news.tries;
  page.state = news.what;
  if (news.why) page.why = news.why;
}

function down(run, { path, reason }) {
  run.crashes.push({ path, reason });
  if (path === "writer") run.writing = false;
  for (const [job, page] of run.pages.entries()) {
    const lost =
      path === "summarizer" ? page.state === "collected" : page.agent === path && run.busy[path] === job;
    if (!lost) continue;
    // A page that takes its collector down again and again is given up.
    page.state = page.turns > 3 ? "failed" : "waiting";
    if (page.state === "failed") page.why = `${path} crashed: ${reason}`;
  }
  delete run.busy[path];
}
