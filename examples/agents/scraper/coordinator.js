// The coordinator: hands out the pages by priority, never more at once than configured, gathers what
// comes of them, and has the report written. A collector has one page at a time, so when it crashes
// (a message `down` says so) it is known which page has to be handed out again. The request of one that
// is killed in the midst of it goes on beside the agents: for that moment there may be one more.

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
    // One that takes longer was cut off, by the end of its process: what is kept outlives that.
    const young = Number(message.timestamp) - run.started < config.longest_s * 1000;
    if (!run.over && young) return [reply("", "a run is on its way", true)];
    run = begun(config, message);
  } else if (run.over) {
    return [];
  } else if (message.kind === "down") {
    down(run, payload);
  } else if (payload.what === "collected" || payload.what === "failed") {
    collected(run, payload, message.from);
  } else if (payload.what === "summary") {
    const page = run.pages.find((each) => each.job === payload.job);
    if (page && page.state !== "failed") Object.assign(page, payload, { state: "done" });
  } else if (payload.what === "written") {
    run.over = true;
    effects.push(reply(run.asked, { report: payload.report, pages: run.pages, crashes: run.crashes }));
  }
  effects.push(...(run.over ? [] : next(config, run)));
  return [effect("store", { key: "state", value: JSON.stringify(run) }), ...effects];
}

function begun(config, message) {
  const started = Number(message.timestamp);
  const fresh = { priority: "normal", state: "waiting", turns: 0, tries: 0 };
  // What comes late of another run has no page in this one.
  const pages = config.targets.map((target, at) => ({ ...fresh, ...target, job: `${started}-${at}` }));
  return { asked: message.id, started, over: false, pages, busy: {}, crashes: [] };
}

// What is to be sent now: pages to collectors that have none, or all of it to the writer.
function next(config, run) {
  const effects = [];
  const urgency = (page) => PRIORITIES.indexOf(page.priority);
  const waiting = run.pages.filter((page) => page.state === "waiting");
  for (const page of waiting.sort((one, other) => urgency(one) - urgency(other))) {
    if (Object.keys(run.busy).length >= config.concurrent) break;
    if (page.agent in run.busy) continue;
    run.busy[page.agent] = page.job;
    page.state = "given";
    page.turns += 1;
    const wanted = {
      job: page.job,
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
  const page = run.pages.find((each) => each.job === news.job);
  if (run.busy[from] !== news.job || page.turns !== news.turn) return; // of an earlier turn
  delete run.busy[from];
  page.tries += news.tries;
  if (page.state !== "done") page.state = news.what; // the summary may be faster
  if (news.why) page.why = news.why;
}

function down(run, { path, reason }) {
  run.crashes.push({ path, reason });
  if (path === "writer") run.writing = false;
  for (const page of run.pages) {
    const lost = path === "summarizer" ? page.state === "collected" : run.busy[path] === page.job;
    if (!lost) continue;
    // A page that takes its collector down again and again is given up.
    page.state = page.turns > 3 ? "failed" : "waiting";
    if (page.state === "failed") page.why = `${path} crashed: ${reason}`;
  }
  delete run.busy[path];
}
