// Transpose, reshape, split and back, one operation at a time. Before each, the reader says what will come of it.
// All of them move whole rows: a stage is an order of rows, cut into blocks.

const WIDTH = 440; // of the stage, in its own units
const LABEL = 16; // room for a block's name above it
const APART = 40; // between blocks of which there are few

const DATA = { numbers: "the numbers 0 to 23", digits: "two digits" };
const WAYS = { right: "with the transpose", wrong: "without it: the mistake" };

const range = (length) => Array.from({ length }, (_, number) => number);
const shapeText = (shape) => `[${shape.join(", ")}]`;

function batches(trick) {
  const values = (image, row) => range(3).map((column) => (image * 4 + row) * 3 + column);
  return {
    numbers: { B: 2, T: 4, I: 3, values, cell: 34, row: 26, between: 8, across: 10, height: 262 },
    digits: {
      B: 2, T: 28, I: 28, cell: 6, row: 6, between: 3, across: 40, height: 430,
      values: (image, row) => Array.from(trick.images[image][row], (ink) => parseInt(ink, 16)),
    },
  };
}

// The stages: which rows stand where, in blocks

function stagesOf({ B, T, I }, way) {
  const images = range(B).flatMap((image) => range(T).map((row) => [image, row]));
  const steps = range(T).flatMap((row) => range(B).map((image) => [image, row]));
  const order = way === "right" ? steps : images;
  const blocks = (rows, size, name) => range(rows.length / size).map(
    (number) => ({ name: `${name} ${number}`, rows: rows.slice(number * size, (number + 1) * size) }));
  const back = range(B).flatMap((image) => range(T).map((step) => order[step * B + image]));
  const stages = {
    batch: { shape: shapeText([B, T, I]), blocks: blocks(images, T, "image"), beside: true },
    transposed: { shape: shapeText([T, B, I]), blocks: blocks(steps, B, "step") },
    flat: { shape: shapeText([B * T, I]), blocks: [{ name: "", rows: order }] },
    split: { shape: `${T} × ${shapeText([B, I])}`, blocks: blocks(order, B, "step"), beside: true },
    back: { shape: shapeText([B, T, I]), blocks: blocks(back, T, "image"), beside: true },
  };
  const names = way === "right" ? ["batch", "transposed", "flat", "split", "back"] : ["batch", "flat", "split", "back"];
  return names.map((name) => stages[name]);
}

// The questions: what is done, what is asked, what is right and why

function questionsOf(batch, way, isNumbers) {
  const { B, T, I } = batch;
  const row = (image, number) => isNumbers
    ? `${batch.values(image, number).join(" ")} (row ${number} of image ${image})` : `row ${number} of image ${image}`;
  const both = (...rows) => rows.map(([image, number]) => row(image, number)).join(", then ");
  const right = {
    transpose: {
      code: `x = np.transpose(x, [1, 0, 2])`,
      ask: `x has the shape ${shapeText([B, T, I])}. What is its shape after this line?`, shape: [T, B, I],
      why: "Axes 0 and 1 change places: the step comes first, then the image. What stands together now is one row of every image.",
    },
    reshape: {
      code: `x = np.reshape(x, [-1, ${I}])`,
      ask: `x becomes ${shapeText([B * T, I])}. Which row comes second, right after row 0 of image 0?`,
      options: [row(0, 1), row(1, 0), row(1, 1)], answer: 1,
      why: "Reshape moves nothing. It reads on in the order that stands there, and after the transpose row 0 of image 1 is next.",
    },
    split: {
      code: `steps = np.split(x, ${T})`,
      ask: `The list has ${T} arrays of shape ${shapeText([B, I])}. What does step 1 hold?`,
      options: [both([0, 0], [1, 0]), both([0, 2], [0, 3]), both([0, 1], [1, 1])], answer: 2,
      why: "Each step takes the next two rows, and those are one row of each image: what an LSTM that reads both images at once wants.",
    },
    stack: {
      code: `x = np.stack(steps, axis=1)`,
      ask: `And back: what is the shape of the ${T} steps, stacked along axis 1?`, shape: [B, T, I],
      why: "The steps become axis 1 again, and every image has its own rows in their order: nothing was mixed.",
    },
  };
  const wrong = {
    reshape: {
      code: `x = np.reshape(x, [-1, ${I}])`,
      ask: `Now without the transpose: x has the shape ${shapeText([B, T, I])}. What is its shape after this line?`,
      shape: [B * T, I],
      why: "It is the same shape as after the transpose, so no shape can show the mistake. The order can: first come all rows of image 0.",
    },
    split: {
      ...right.split, answer: 1,
      why: "The shapes are right, and no error is raised; but a step holds two rows of one image, where it should hold one row of each. With a batch of 1 both ways agree, which hides the mistake.",
    },
    stack: {
      code: right.stack.code,
      ask: "What does the network take for image 0, reading row 0 of every step?",
      options: ["image 0, as it was", "image 1", "every second row of image 0, then every second row of image 1"], answer: 2,
      why: "Both images are mixed. A network can train on that, and only does worse than it could.",
    },
  };
  return way === "right" ? [right.transpose, right.reshape, right.split, right.stack] : [wrong.reshape, wrong.split, wrong.stack];
}

/** Judge what was typed; null if it is no shape at all. */
function judgeShape(typed, shape) {
  const numbers = (typed.match(/\d+/g) || []).map(Number);
  if (!numbers.length) return null;
  const size = (dimensions) => dimensions.reduce((product, dimension) => product * dimension, 1);
  if (numbers.join() === shape.join()) return { right: true, hint: "" };
  const hint = size(numbers) === size(shape) ? "" : `That would be ${size(numbers)} numbers, and there are ${size(shape)}. `;
  return { right: false, hint };
}

// The stage: rows that glide to their new places

function makeStage(batch, isNumbers) {
  const names = svg("g", { class: "names" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${batch.height}`, role: "img", class: "stage" }, names);
  const width = batch.I * batch.cell;
  const rows = new Map();
  for (const image of range(batch.B)) for (const number of range(batch.T)) {
    const group = svg("g", { class: `row image-${image}` }, svg("rect", { width, height: batch.row, class: "ground" }));
    batch.values(image, number).forEach((value, column) => group.append(...(isNumbers
      ? [svg("text", { x: (column + 0.5) * batch.cell, y: batch.row * 0.68, "text-anchor": "middle" }, value)]
      : value ? [svg("rect", { x: column * batch.cell, width: batch.cell, height: batch.row, class: "ink", "fill-opacity": value / 15 })] : [])));
    rows.set(`${image},${number}`, group);
    picture.append(group);
  }

  function show(stage) {
    picture.setAttribute("aria-label", describe(stage, batch, isNumbers));
    names.replaceChildren();
    for (const block of place(stage, batch, width)) {
      names.append(...nameOf(stage, block));
      block.rows.forEach((row, number) => {
        rows.get(row.join()).style.transform = `translate(${block.x}px, ${block.y + number * batch.row}px)`;
      });
    }
  }

  /** Name a block above it, or where it is low and stands with many, at its left. */
  function nameOf(stage, { name, rows: placed, x, y }) {
    const flat = placed.length <= batch.B && batch.T > 4;
    if (!name || (!stage.beside && !isNumbers)) return [];
    if (stage.beside && !flat) return [svg("text", { x, y: y - 5 }, name)];
    const text = flat ? name.replace("step ", "") : name;
    return [svg("text", { x: x - 6, y: y + placed.length * batch.row / 2 + 3.5, "text-anchor": "end" }, text)];
  }
  return { picture, show };
}

/** Place the blocks of a stage: beside each other, in as many columns as there is room for, or below each other. */
function place(stage, batch, width) {
  const { blocks } = stage;
  const high = blocks[0].rows.length * batch.row;
  if (!stage.beside) {
    const x = (WIDTH - width) / 2;
    const top = middle(batch, blocks.length * (high + batch.between) - batch.between);
    return blocks.map((block, number) => ({ ...block, x, y: top + number * (high + batch.between) }));
  }
  const columns = Math.min(blocks.length, Math.floor((WIDTH + batch.across) / (width + batch.across)));
  const rows = Math.ceil(blocks.length / columns);
  const slot = width + (blocks.length > batch.B ? batch.across : APART);
  const left = (WIDTH - (columns - 1) * slot - width) / 2;
  const top = middle(batch, rows * (high + 2 * batch.between) - 2 * batch.between);
  return blocks.map((block, number) => ({
    ...block,
    x: left + Math.floor(number / rows) * slot,
    y: top + (number % rows) * (high + 2 * batch.between),
  }));
}

const middle = (batch, high) => LABEL + Math.max(0, (batch.height - 2 * LABEL - high) / 2);

function describe(stage, batch, isNumbers) {
  const row = ([image, number]) => isNumbers ? batch.values(image, number).join(" ") : `row ${number} of image ${image}`;
  const shown = isNumbers ? stage.blocks : stage.blocks.slice(0, 2);
  const said = shown.map(({ name, rows }) => `${name && `${name}: `}${(isNumbers ? rows : rows.slice(0, 4)).map(row).join(", ")}`);
  return `Shape ${stage.shape}. ${said.join("; ")}${isNumbers ? "" : " and so on"}.`;
}

// The stepper: asks, tells, goes on and back

function stepper(root, trick) {
  const all = batches(trick);
  const chosen = { data: "numbers", way: "right" };
  let batch, stages, questions, stage, at, told, guesses;

  const code = html("ol", { class: "code" });
  const board = html("div", { class: "board" });
  const shape = html("p", { class: "shape" });
  const heading = html("h3", { tabindex: -1 });
  const form = html("form", { novalidate: "" });
  const feedback = html("p", { class: "feedback", role: "status" });
  const back = html("button", { type: "button" }, "Back");
  const next = html("button", { type: "button" });
  root.append(choices("Data", "data", DATA), choices("Way", "way", WAYS),
    html("div", { class: "trick" }, html("div", {}, code, board, shape),
      html("div", { class: "asking" }, heading, form, feedback, html("div", { class: "buttons" }, back, next))));

  function choices(legend, name, options) {
    const fieldset = html("fieldset", { class: "choices" }, html("legend", {}, legend));
    for (const [value, text] of Object.entries(options)) {
      const input = html("input", { type: "radio", name, value });
      input.checked = chosen[name] === value;
      input.addEventListener("change", () => { chosen[name] = value; restart(); });
      fieldset.append(html("label", {}, input, " ", text));
    }
    return fieldset;
  }

  function restart() {
    batch = all[chosen.data];
    stages = stagesOf(batch, chosen.way);
    questions = questionsOf(batch, chosen.way, chosen.data === "numbers");
    stage = makeStage(batch, chosen.data === "numbers");
    board.replaceChildren(stage.picture);
    [at, told, guesses] = [0, false, []];
    show();
  }

  /** Show question `at`, or, once it is told, what came of it. */
  function show() {
    const current = stages[at + (told ? 1 : 0)];
    stage.show(current);
    shape.textContent = `shape ${current.shape}`;
    code.replaceChildren(...questions.map((question, number) => {
      const line = html("li", { class: number < at || (number === at && told) ? "done" : "" }, html("code", {}, question.code));
      if (number === at) line.setAttribute("aria-current", "step");
      return line;
    }));
    const last = told && at === questions.length - 1;
    heading.textContent = last ? summary() : `${at + 1} of ${questions.length}: ${questions[at].ask}`;
    form.replaceChildren(...(told ? [] : answers(questions[at])));
    feedback.textContent = told ? guesses[at].said : "";
    feedback.className = `feedback ${told ? guesses[at].verdict : ""}`;
    back.disabled = at === 0 && !told;
    next.textContent = last ? "Start again" : told ? "Next" : "Show me";
  }

  function summary() {
    const right = guesses.filter(({ verdict }) => verdict === "right").length;
    return `Done: ${right} of ${questions.length} foreseen.`;
  }

  function answers(question) {
    const check = html("button", { type: "submit" }, "Check");
    if (question.shape) {
      const input = html("input", { id: "shape-typed", type: "text", autocomplete: "off", placeholder: "such as 5, 28, 28" });
      return [html("label", { for: "shape-typed" }, "Shape"), input, check];
    }
    const options = question.options.map((text, number) => html("label", {},
      html("input", { type: "radio", name: "guess", value: number }), " ", text));
    return [html("fieldset", {}, html("legend", { class: "aside" }, "Your guess"), ...options), check];
  }

  function check(event) {
    event.preventDefault();
    const question = questions[at];
    const typed = form.querySelector("input[type=text]"), picked = form.querySelector("input:checked");
    const judged = typed ? judgeShape(typed.value, question.shape)
      : picked && { right: Number(picked.value) === question.answer, hint: "" };
    if (judged) tell(judged.right ? "right" : "wrong", judged.hint);
    else feedback.textContent = typed ? "Type a shape, such as 5, 28, 28." : "Pick one first, or choose Show me.";
  }

  function tell(verdict, hint) {
    const question = questions[at];
    const answer = question.shape ? shapeText(question.shape) : question.options[question.answer];
    const opening = { right: "✓ Right. ", wrong: `✗ Not so, it is: ${answer}. ${hint}`, shown: `It is: ${answer}. ` }[verdict];
    guesses[at] = { verdict, said: opening + question.why };
    told = true;
    show();
    next.focus();
  }

  function goOn() {
    if (!told) return tell("shown", "");
    if (at === questions.length - 1) { restart(); } else { at += 1; told = false; show(); }
    heading.focus();
  }

  function goBack() {
    if (told) told = false;
    else { at -= 1; told = true; }
    show();
    (back.disabled ? next : back).focus();
  }

  form.addEventListener("submit", check);
  next.addEventListener("click", goOn);
  back.addEventListener("click", goBack);
  restart();
}

stepper(document.getElementById("trick-live"), given("trick-data"));
