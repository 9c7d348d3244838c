/* One film after another: fetch the slot, show its film, wait for what the reader says, store it, go on. */

import { Feedback, Pause, Report, Slip } from "./asides.js";
import { Attention } from "./attention.js";
import { commandsOf } from "./commands.js";
import { Films } from "./films.js";
import { helpIsOpen, listen } from "./keys.js";
import { Question } from "./question.js";
import { Remark } from "./remark.js";
import { FilmDamaged, Server, SessionEnded } from "./server.js";
import { fill, said, tell } from "./words.js";

const PAUSE_AFTER_MISSING_FILM = 1000;

// Nothing fails in silence.
addEventListener("error", ({ error, message }) => {
  // A size that changes twice within one frame is called an error too, and is none.
  if (!message.startsWith("ResizeObserver loop")) tellFailure(error);
});
addEventListener("unhandledrejection", (event) => tellFailure(event.reason));

const room = document.querySelector(".room");
const csrfToken = room.querySelector("[name=csrfmiddlewaretoken]").value;
const films = new Films([...room.querySelectorAll(".light-box")]);
const server = new Server(room.dataset, csrfToken, tellWaiting);
const pause = new Pause(document.getElementById("pause"), act);
const feedback = new Feedback(document.getElementById("feedback"), act);
const report = new Report(document.getElementById("report"), act);
const slip = new Slip(document.getElementById("slip"), act);
// The page has the forms that its study needs.
const question = has("answer", (form) => new Question(form, act));
const remark = has("remark", (form) => new Remark(form, act, films));
const forms = [question, remark].filter(Boolean);
const parts = [pause, feedback, report, slip, ...forms];
const asking = { question, findings: remark, remark };

listen((target) => [...forms, slip].flatMap((part) => part.commands()).concat(commandsOf(films.viewerAt(target))), focusFilm);

async function readAll() {
  tell("notice", await server.tellKept());
  let slot = await server.slot();
  while (!slot.done) {
    // The page was made for another part of the study, which was left in another tab.
    if (!asking[slot.asks]) return location.reload();
    slot = await readOne(slot);
  }
  location.replace(room.dataset.start);
}

/* Gives the slot to read next. */
async function readOne(slot) {
  tellProgress(slot);
  slip.offer(slot.amendable);
  if (slot.pause && rested !== slot.code && !(await rest(slot))) return amend(slot);
  const opened = await show(slot, nameOf(slot));
  if (opened === "missing") return server.slot();
  server.fetchAhead(slot);
  const attention = attentionTo(slot);
  const { kind, fields } = await observed(attention, () => {
    report.open(opened === "damaged");
    if (opened === "shown") ask(slot);
  });
  if (kind === "slip") return amend(slot);
  const { next, error, feedback: truth } = await store(slot, kind, fields, attention);
  tell("status", "");
  if (truth) await readersAct(() => feedback.open(truth));
  const practiceIsOver = slot.practice && next.practice === false;
  const reported = kind === "report" ? [said.reported] : [];
  tell("notice", error ?? [...reported, ...(practiceIsOver ? [said.counts] : [])].join(" "));
  return next;
}

/* Takes another answer for the last film; gives the slot to read next, which is as a rule the one before. */
async function amend(slot) {
  const { code, revision } = slot.amendable;
  const last = { ...slot, code };
  slip.offer(slot.amendable, true);
  tell("progress", said.amending);
  const opened = await show(last, said.last);
  if (opened !== "shown") return { ...slot, amendable: null };
  const attention = new Attention();
  const { kind, fields } = await observed(attention, () => ask({ asks: "question" }));
  if (kind === "over") tell("notice", said.over);
  if (kind !== "answer") return slot;
  const { next, error } = await store(last, kind, { ...fields, revision }, attention);
  tell("notice", error ?? "");
  return next;
}

/* The slot whose pause is over. */
let rested;

/* Whether the reader goes on after the pause, and not back to the last film. */
async function rest(slot) {
  takeDown();
  tell("status", "");
  const { kind } = await readersAct(() => pause.open(slot.number - 1));
  if (kind === "goOn") rested = slot.code;
  return kind === "goOn";
}

/* Puts a slot's films on the screen, where they are not there already: "shown", "damaged", or "missing" where the slot
 * was answered in another tab, or withdrawn meanwhile. */
async function show(slot, name) {
  if (films.code === slot.code) return "shown";
  takeDown();
  tell("status", said.loading);
  try {
    const pixels = await server.films(slot);
    if (!pixels) {
      await new Promise((settle) => setTimeout(settle, PAUSE_AFTER_MISSING_FILM));
      return "missing";
    }
    await films.show(slot, pixels, name);
    tell("status", fill(said.ready, { film: name }));
    return "shown";
  } catch (error) {
    if (!(error instanceof FilmDamaged)) throw error;
    tell("status", "");
    tell("notice", error.message);
    return "damaged";
  }
}

/* Leaves nothing of one film to the next. */
function takeDown() {
  films.clear();
  for (const { form } of forms) form.reset();
}

function ask({ asks }) {
  for (const form of forms) if (form !== asking[asks]) form.form.hidden = true;
  asking[asks].open();
  if (asks === "remark") tell("status", said.optional);
  if (helpIsOpen()) return;
  if (asks === "remark") remark.focus();
  else films.focus();
}

async function store({ code }, kind, fields, attention) {
  tell("status", said.sending);
  const { milliseconds, activeMilliseconds: active_milliseconds, uses } = attention;
  const timing = { answer: { milliseconds, active_milliseconds, uses }, remark: { milliseconds }, report: {} }[kind];
  return server.tell(kind, { code, ...fields, ...timing });
}

// What the reader does: one act at a time, and none that nobody has asked for

let take = null;

/* Opens what the reader may do now; gives what was done. */
function readersAct(open) {
  slip.open();
  open();
  return new Promise((settle) => (take = settle));
}

function act(kind, fields = {}) {
  // A film that is not on the screen cannot be judged.
  if (!take || (kind === "answer" && !films.shown)) return;
  for (const part of parts) part.close();
  const taken = take;
  take = null;
  taken({ kind, fields });
}

/* The same, while the films are looked at. */
async function observed(attention, open) {
  attention.start();
  const done = await readersAct(open);
  attention.stop(films.uses);
  return done;
}

let attended = {};

/* Goes on where the last answer was changed in between. */
function attentionTo({ code, asks }) {
  if (attended.code !== code || attended.asks !== asks) attended = { code, asks, attention: new Attention() };
  return attended.attention;
}

// Words

function nameOf(slot) {
  return fill(slot.practice ? said.practice : said.film, slot);
}

function tellProgress(slot) {
  const minutes = slot.minutes_left;
  tell("progress", nameOf(slot) + (minutes ? fill(minutes === 1 ? said.minute : said.minutes, { minutes }) : ""));
}

function tellWaiting() {
  // A film that is fetched ahead disturbs nobody.
  if (!take) tell("status", said.waiting);
}

function tellFailure(error) {
  tell("notice", fill(said.failed, { error: error?.message }));
}

function focusFilm() {
  films.focus();
}

function has(id, make) {
  const form = document.getElementById(id);
  return form && make(form);
}

// A page brought back by the back button has an old slot in it.
addEventListener("pageshow", (event) => event.persisted && location.reload());

readAll().catch((error) => {
  if (!(error instanceof SessionEnded)) throw error;
  tell("status", "");
  tell("notice", said.ended);
});
