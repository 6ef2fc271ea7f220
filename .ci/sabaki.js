// Sabaki's libraries at work: a session with the engine, and the games that casecnn wrote. See .ci/sabaki.
const assert = require("assert");
const {Controller} = require("@sabaki/gtp");
const sgf = require("@sabaki/sgf");

async function engine() {
  const controller = new Controller("casecnn", ["go", "gtp"]);
  controller.start();
  const ask = async (name, ...args) => {
    const response = await controller.sendCommand({name, args});
    assert(!response.error, `${name}: ${response.content}`);
    return response.content;
  };
  assert.match(await ask("name"), /casecnn/i);
  const commands = (await ask("list_commands")).split("\n");
  for (const name of ["play", "genmove", "undo", "analyze", "lz-analyze", "loadsgf"].filter(name => name !== "analyze"))
    assert(commands.includes(name), name);
  await ask("boardsize", "9");
  await ask("clear_board");
  await ask("komi", "6.5");
  await ask("play", "B", "E5");
  assert.match(await ask("genmove", "W"), /^([A-HJ][1-9]|pass)$/);
  await ask("loadsgf", "game.sgf", "3");
  const wrong = await controller.sendCommand({name: "play", args: ["B", "E5"]});
  assert(wrong.error, "an occupied point was taken");
  let line = "";
  const analysis = controller.sendCommand({name: "lz-analyze", args: ["W", "20"]}, ({line: given}) => {
    if (given.includes("info move") && !line) {
      line = given;
      controller.process.stdin.write("\n");  // any line ends an analysis
    }
  });
  await analysis;
  assert.match(line, /info move [A-HJ][1-9] visits \d+ winrate \d+ .*pv [A-HJ][1-9]/);
  await controller.stop();
}

function games() {
  const main = (node, moves = []) => {
    for (const name of ["B", "W"]) if (node.data[name]) moves.push(name + node.data[name][0]);
    return node.children.length ? main(node.children[0], moves) : moves;
  };
  for (const file of ["suggested.sgf", "reviewed.sgf"]) {
    const [root] = sgf.parseFile(file);
    assert.deepStrictEqual(main(root), ["Bee", "Wcc", "Bgg", "Wgc"], file);
    assert.deepStrictEqual([root.data.PB[0], root.data.PW[0], root.data.KM[0]], ["井山", "Lee [9d]", "6.5"], file);
    assert(root.children[0].children[0].children.some(node => node.data.B && node.data.B[0] === "gc"), file);
  }
  const all = [];
  const visit = node => { all.push(node); node.children.forEach(visit); };
  visit(sgf.parseFile("reviewed.sgf")[0]);
  assert(all.filter(node => node.data.C && /^Move \d+, (Black|White) /.test(node.data.C[0])).length === 4);
}

games();
engine().then(
  () => { console.log("Sabaki's libraries: a session and two games"); process.exit(0); },
  error => { console.error(error); process.exit(1); },
);
