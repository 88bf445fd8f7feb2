// The fields of config.json, which the page loads only if there are any (src/answers.rs).
const controls = { text: "input", email: "input", choice: "select", longText: "textarea" };
const mostFields = 20;
const mostOptions = 100;
const mostCharacters = 200;
// How long an answer may be, and all of them together: they are kept as long as an upload can be resumed.
const longestAnswer = 2000;
const longestAnswers = 8000;
// The longest address of a mailbox (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const usualLength = 254;

const forms = new WeakMap();
let ids = 0;

// The form of a page, which any object stands for, with these fields, which are JSON. What is wrong with them is thrown,
// with the name of the setting.
export function formOf(page, json) {
  if (!forms.has(page)) forms.set(page, new Form(check(JSON.parse(json))));
  return forms.get(page);
}

class Form {
  #rows;
  // By names that may be anything.
  #answers = Object.create(null);
  // What waits for valid answers.
  #waiting = [];
  #texts;
  #group;
  #notice;

  constructor(fields) {
    this.#rows = fields.map((field) => new Row(field));
    addEventListener("beforeunload", (event) => {
      if (this.#waiting.length > 0 && this.#group?.isConnected) event.preventDefault();
    });
  }

  // Shows the form in a place, in a language with its texts, with what was answered before.
  show(place, language, texts) {
    this.#texts = texts;
    this.#notice = element("p", { class: "storage-notice", role: "status" });
    // It is no form, whose properties would be hidden by controls of their names.
    this.#group = element("div", { class: "fields" });
    this.#group.append(...this.#rows.map((row) => row.show(language, texts, this.#answers)), this.#notice);
    this.#group.addEventListener("input", ({ target }) => (this.#answers[target.name] = target.value));
    this.#group.addEventListener("change", ({ target }) => {
      this.#rows.find(({ name }) => name === target.name).check(texts);
      this.#goOn();
    });
    place.replaceChildren(this.#group);
    this.#askAgain();
  }

  // Fills in what the user answered before the page was loaded, unless something is there. With `null` for another user
  // everything goes.
  fill(json) {
    const kept = JSON.parse(json);
    if (kept === null) {
      this.#answers = Object.create(null);
      this.#waiting = [];
    }
    if (Object.keys(this.#answers).length > 0) return;
    Object.assign(this.#answers, kept);
    for (const row of this.#rows) row.fill(this.#answers);
    this.#askAgain();
  }

  // Calls back with the answers that are not empty, by name: now if they are valid, or else as soon as they are.
  whenAnswered(callback) {
    this.#waiting.push(callback);
    this.#askAgain();
  }

  // If anything waits: says what is wrong with each field, and brings the user to the first of them.
  #askAgain() {
    if (!this.#group) return;
    const wrong = this.#waiting.length > 0 ? this.#rows.filter((row) => row.check(this.#texts)) : [];
    this.#goOn();
    wrong[0]?.control.focus();
  }

  #goOn() {
    if (this.#waiting.length > 0 && !this.#rows.some((row) => row.problem(this.#texts))) {
      const answers = this.#rows.map(({ name, answer }) => [name, answer]).filter(([, answer]) => answer);
      for (const callback of this.#waiting.splice(0)) callback(Object.fromEntries(answers));
    }
    this.#notice.textContent = this.#waiting.length > 0 ? this.#texts.fieldsMissing : "";
  }
}

// A field, with its label and what is wrong with it.
class Row {
  #field;
  #error;

  constructor(field) {
    this.#field = field;
  }

  get name() {
    return this.#field.name;
  }

  get answer() {
    return this.control.value.trim();
  }

  show(language, texts, answers) {
    const { name, label, kind = "text", required = false, options = [], maxLength = usualLength } = this.#field;
    const [controlId, errorId] = [`field-${(ids += 1)}`, `field-error-${ids}`];
    this.#error = element("span", { class: "field-error", id: errorId });
    this.control = element(controls[kind], { name, id: controlId, dir: "auto", "aria-describedby": errorId });
    this.control.required = required;
    if (kind === "choice") this.control.append(...["", ...options].map((option) => new Option(option)));
    else this.control.maxLength = maxLength;
    if (controls[kind] === "input") this.control.type = kind;
    if (kind === "email") this.control.autocomplete = "email";
    this.fill(answers);
    const title = element("label", { for: controlId });
    title.append(element("span", { dir: "auto" }, textIn(language, label)));
    // A screen reader says it by the control.
    const note = { class: "field-note", "aria-hidden": true };
    if (required) title.append(" ", element("span", note, texts.fieldRequired));
    const row = element("div", { class: "field" });
    row.append(title, this.control, this.#error);
    return row;
  }

  fill(answers) {
    if (!this.control) return;
    this.control.value = answers[this.name] ?? "";
    this.#say("");
  }

  // Says what is wrong, and returns it.
  check(texts) {
    const problem = this.problem(texts);
    this.#say(problem);
    return problem;
  }

  #say(problem) {
    this.#error.textContent = problem;
    this.control.setAttribute("aria-invalid", problem !== "");
  }

  // What is wrong, or nothing.
  problem(texts) {
    if (this.control.required && !this.answer) return texts.fieldMissing;
    return this.control.validity.typeMismatch ? texts.fieldNoEmail : this.control.validationMessage;
  }
}

function textIn(language, label) {
  return typeof label === "string" ? label : (label[language] ?? label.en ?? Object.values(label)[0]);
}

function element(tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function check(fields) {
  need(Array.isArray(fields) && fields.length <= mostFields, "fields", `a list of at most ${mostFields} is needed`);
  const names = new Set();
  let longest = 0;
  fields.forEach((field, index) => {
    checkField(field, `fields[${index}]`);
    need(!names.has(field.name), `fields[${index}].name`, "it is there twice");
    names.add(field.name);
    longest += field.maxLength ?? usualLength;
  });
  need(longest <= longestAnswers, "fields", `all maxLength together may be ${longestAnswers}`);
  return fields;
}

function checkField(field, at) {
  need(field instanceof Object, at, "an object is needed");
  const { name, label, kind = "text", options = [], required = false, maxLength = 1, ...others } = field;
  for (const other of Object.keys(others)) need(false, `${at}.${other}`, "there is no such setting");
  need(isText(name), `${at}.name`, `1 to ${mostCharacters} characters are needed`);
  const labels = label instanceof Object ? Object.values(label) : [label];
  need(labels.length > 0 && labels.every(isText), `${at}.label`, `1 to ${mostCharacters} characters are needed`);
  need(Object.hasOwn(controls, kind), `${at}.kind`, `one of ${Object.keys(controls).join(", ")} is needed`);
  const areTexts = Array.isArray(options) && options.length <= mostOptions && options.every(isText);
  const isChoice = kind === "choice";
  need(areTexts && options.length > 0 === isChoice, `${at}.options`, "a choice needs them, and nothing else has any");
  need(typeof required === "boolean", `${at}.required`, "true or false is needed");
  const isLength = Number.isInteger(maxLength) && maxLength >= 1 && maxLength <= longestAnswer;
  need(isLength, `${at}.maxLength`, `a whole number from 1 to ${longestAnswer} is needed`);
}

function isText(value) {
  return typeof value === "string" && value !== "" && value.length <= mostCharacters;
}

function need(condition, setting, reason) {
  if (!condition) throw new Error(`${setting}: ${reason}`);
}
