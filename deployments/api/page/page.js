// Everything that comes from a text or from the service goes into the page as text, never as HTML.
const $ = (id) => document.getElementById(id);
const EXAMPLE = "My sister Anna Smith loved the little hotel by the lake, but the breakfast was cold and the man at the desk was rude to her.";
const MOST_TEXTS = 64, MOST_CHARACTERS = 200_000;
let model = null;

function make(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

async function call(path, body) {
  const key = $("key").value || sessionStorage.getItem("key") || "";
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
    const wait = Number(answer.headers.get("Retry-After"));
    if ((answer.status === 503 || answer.status === 429) && wait && attempt < 5) {
      await new Promise((resume) => setTimeout(resume, 1000 * wait));
      continue;
    }
    const content = await answer.json();
    if (answer.ok) return content;
    if (answer.status === 401) $("key-box").open = true;
    const first = content.errors?.[0];
    throw new Error(first ? `${first.detail} (${first.pointer})` : content.detail);
  }
}

function complain(error) {
  $("trouble").textContent = error instanceof TypeError ? "The service does not answer." : error.message;
  $("trouble").hidden = false;
}

async function describe() {
  model = await call("/v1/model");
  $("trouble").hidden = true;
  $("run").textContent = `${model.taxonomy}, run ${model.run}${model.outcome ? `, ${model.outcome}` : ""}`;
  $("card").textContent = model.card || "This model has no card.";
  const ordinal = model.scores.some((system) => system.metrics.kappa != null);
  const columns = { "macro-F1": "f1_macro", "micro-F1": "f1_micro", ...(ordinal ? { kappa: "kappa", "levels off": "mae" } : {}) };
  const head = make("tr");
  for (const name of ["Test", "What", "Texts", ...Object.keys(columns)]) {
    const cell = make("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const rows = model.scores.map((system) => {
    const row = make("tr");
    const numbers = Object.values(columns).map((name) => system.metrics[name]?.toFixed(3) ?? "–");
    for (const value of [system.test_set, system.name, system.metrics.n_rows, ...numbers]) row.append(make("td", value));
    return row;
  });
  $("scores").replaceChildren(...(rows.length ? [head, ...rows] : []));
}

async function judge() {
  const button = $("ask").querySelector("button");
  button.disabled = true;
  $("trouble").hidden = true;
  try {
    const explain = $("explain").checked;
    const answer = await call("/v1/predict", { texts: $("text").value, scrub: $("scrub").checked, replacements: true, explain });
    if (!model || answer.run !== model.run) await describe();
    show(answer.results[0]);
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
  }
}

function show(result) {
  $("labels").textContent = result.labels.join(", ") || "No label";
  $("confidence").textContent = `Confidence ${result.confidence.toFixed(2)}${result.unsure ? ": unsure, a person should look" : ""}.`;
  showScale(result.level);
  showScrubbed(result);
  $("why").hidden = !result.words;
  if (result.words) showWords(result);
  const byProbability = model.ordinal ? result.scores : [...result.scores].sort((a, b) => b.probability - a.probability);
  $("bars").replaceChildren(...byProbability.map(bar));
  $("result").hidden = false;
}

function showScale(level) {
  $("scale").hidden = level == null;
  $("scale").replaceChildren(...(level == null ? [] : model.labels).map(({ label }, i) => {
    const step = make("li", label);
    if (i + 1 === level) step.setAttribute("aria-current", "step");
    return step;
  }));
  $("level").hidden = level == null;
  $("level").textContent = `Level ${level} of ${model.labels.length}, by all probabilities together. Labels are decided one by one.`;
}

// Offsets count characters as Python does, by code point.
function pieces(text, spans, dress) {
  const points = Array.from(text), nodes = [];
  let place = 0;
  for (const span of spans) {
    nodes.push(points.slice(place, span.start).join(""), dress(points.slice(span.start, span.end).join(""), span));
    place = span.end;
  }
  return [...nodes, points.slice(place).join("")];
}

function showScrubbed(result) {
  const named = result.replacements.filter((each) => each.type);
  $("scrubbed").replaceChildren(...pieces(result.text, result.replacements, (word, each) => {
    const node = make("mark", word);
    node.title = each.before ? `was: ${each.before}` : "agrees with a change";
    return node;
  }));
  $("replaced").replaceChildren(...named.map((each) => make("li", `${each.type.toLowerCase().replaceAll("_", " ").replaceAll("+", " and ")}: ${each.before}`)));
  if (result.truncated) $("replaced").append(make("li", "longer than the model reads: its end was not judged"));
  if (!result.replacements.length && $("scrub").checked) $("replaced").append(make("li", "nothing to take out"));
}

function showWords(result) {
  const most = Math.max(0.02, ...result.words.map((each) => Math.abs(each.influence)));
  $("words").replaceChildren(...pieces(result.text, result.words, (word, each) => {
    const node = make("span", word);
    const strength = Math.abs(each.influence) / most;
    const colour = each.influence > 0 ? "--for" : "--against";
    if (strength > 0.08) node.style.backgroundColor = `rgb(var(${colour}) / ${(0.5 * strength).toFixed(2)})`;
    node.title = `${each.influence > 0 ? "+" : ""}${(100 * each.influence).toFixed(1)} points`;
    return node;
  }));
}

function bar(score) {
  const row = make("li", "", score.decided ? "decided" : "");
  const track = make("div", "", "bar"), fill = make("i"), cut = make("b");
  fill.style.width = `${100 * score.probability}%`;
  cut.style.left = `${100 * Math.min(1, score.threshold)}%`;
  cut.title = `threshold ${score.threshold.toFixed(2)}`;
  track.append(fill, cut);
  row.append(make("span", score.label), track, make("output", score.probability.toFixed(2)));
  return row;
}

// RFC 4180, with LF or CRLF.
export function parseCsv(content) {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < content.length; i++) {
    const c = content[i], row = rows.at(-1);
    if (quoted && c === '"' && content[i + 1] === '"') { row[row.length - 1] += c; i++; }
    else if (c === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (c === "," && !quoted) row.push("");
    else if (c === "\n" && !quoted) rows.push([""]);
    else if (c !== "\r" || quoted) row[row.length - 1] += c;
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
}

function csvLine(values) {
  return values.map((value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value)).join(",");
}

// Rows that go in one request: within the bounds of the service.
function chunks(rows, column) {
  const parts = [[]];
  let size = 0;
  for (const row of rows) {
    const more = (row[column] ?? "").length;
    if (parts.at(-1).length === MOST_TEXTS || (size + more > MOST_CHARACTERS && parts.at(-1).length)) { parts.push([]); size = 0; }
    parts.at(-1).push(row);
    size += more;
  }
  return parts;
}

async function judgeFile(file) {
  const [head, ...rows] = parseCsv((await file.text()).replace(/^\uFEFF/, ""));
  if (!rows.length) throw new Error("The file has no rows; expected a line of column names and at least one row.");
  const named = head.findIndex((name) => name.trim().toLowerCase() === "text");
  const column = Math.max(0, named);
  if (!model) await describe();
  const names = model.labels.map(({ label }) => label);
  const out = [csvLine([...head, "labels", ...(model.ordinal ? ["level"] : []), ...names.map((name) => `p ${name}`)])];
  let done = 0;
  for (const part of chunks(rows, column)) {
    const filled = part.filter((row) => (row[column] ?? "").trim());
    const results = filled.length ? (await call("/v1/predict", { texts: filled.map((row) => row[column]), scrub: $("scrub").checked })).results : [];
    for (const row of part) {
      const result = (row[column] ?? "").trim() ? results.shift() : null;
      const found = result ? [result.labels.join("; "), ...(model.ordinal ? [result.level] : []), ...result.scores.map((score) => score.probability)] : [];
      out.push(csvLine([...head.map((_, i) => row[i] ?? ""), ...found]));
    }
    done += part.length;
    $("batch-progress").value = done / rows.length;
    $("batch-state").textContent = `${done} of ${rows.length} texts`;
  }
  return out.join("\r\n") + "\r\n";
}

$("file").addEventListener("change", async () => {
  const file = $("file").files[0];
  if (!file) return;
  $("download").hidden = true;
  $("trouble").hidden = true;
  $("batch-progress").hidden = false;
  try {
    const csv = await judgeFile(file);
    URL.revokeObjectURL($("download").href);
    $("download").href = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
    $("download").download = file.name.replace(/(\.csv)?$/i, "-labelled.csv");
    $("download").hidden = false;
  } catch (error) {
    complain(error);
  } finally {
    $("batch-progress").hidden = true;
  }
});

$("ask").addEventListener("submit", (event) => { event.preventDefault(); judge(); });
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("ask").requestSubmit();
});
$("example").addEventListener("click", () => { $("text").value = EXAMPLE; $("ask").requestSubmit(); });
$("key").addEventListener("change", () => { sessionStorage.setItem("key", $("key").value); describe().catch(complain); });
$("key-form").addEventListener("submit", (event) => event.preventDefault());
$("key").value = sessionStorage.getItem("key") ?? "";
describe().catch((error) => { $("run").textContent = ""; complain(error); });
