// npm run check: every file lies in a room, and a room imports only those before it in its table. Prints the largest folder and
// the number of circles of files, types included; ends with code 1 when a door opens the wrong way, or a folder is too large.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const LARGEST = 25;

/** The purpose of each room, which may import those before it. A file's name is a room, and so is '', the root that composes. */
const ROOMS = {
  'log/src': [
    ['base', 'hashes, bytes, texts, signatures: what the formats are made of'],
    ['note', 'signed notes, their keys, and what logs and witnesses write into them'],
    ['tree', 'the Merkle tree in its tiles, and what is proved with it'],
    ['witness', 'who says that a checkpoint is the only one, and when that is enough'],
    ['read', 'a log as a stranger reads it: nothing is believed that its root does not cover'],
    ['node', 'what is faster, or only possible, in Node'],
    ['testing', 'vectors, oracles and doubles'],
  ],
  'core/src': [
    ['base', 'time, bytes, ids and errors: knows nothing of a mesh'],
    // It includes protocol.ts, which lies where the tiny model tells people it does.
    ['wire', 'everything that is said, to peers and to the control plane', 'protocol.ts'],
    ['policy', 'what requester and control plane must decide alike; pure'],
    ['gguf', 'heads of model files, read within bounds'],
    ['form/spelt', 'how texts and numbers are spelt, as automata: patterns, formats and bounds'],
    ['form', 'the form that an answer is held to: JSON schemas and their grammars'],
    ['form/lower', 'any schema lowered to one that can be enforced'],
    ['syntax', 'how models read conversations and write thoughts and calls'],
    ['identity', 'who a peer is, and what it signs'],
    ['receipts', 'what was agreed and what was delivered, in writing'],
    ['proof/cuts', 'what sampling leaves to draw from, and how near to it the rest is'],
    ['proof', 'whether an answer was computed as it says; pure, and the same for everyone who recounts it'],
    ['proof/keeping', 'whether somebody has what it keeps, in writing'],
    ['governance', 'the parameters that can be voted on, and how votes are counted; pure'],
    ['networks', 'what a network is founded on, and how it is known; pure'],
    ['ledger', 'what moves credits, in writing, and what is remembered of it; pure'],
    ['ledger/rules', 'what each kind of event does, and when it may'],
    ['ledger/projection.ts', 'all events, applied and recounted', 'ledger/recount.ts'],
    ['transport', 'the port that carries bytes between two peers, and what stands behind it'],
    ['transport/seal', 'any transport, sealed end to end'],
    ['peers', 'the open links of this peer, and what peers do for each other over them'],
    ['lookup', 'who has what, found by asking peers alone'],
    ['control', 'our end of the control plane'],
    ['models', 'what a model consists of: manifests, pieces, their hashes, and the ports to where they lie'],
    ['models/swarm/link', 'one link that carries models: what is said and sent on it'],
    ['models/swarm/pull', 'what one fetch takes, from peers and from a server'],
    ['models/swarm', 'models carried by peers: found, exchanged, checked'],
    ['models/keeping', 'models that are kept for others, and checks of those who keep them'],
    ['engine', 'the inference port, and what surrounds an engine whoever calls it'],
    ['jobs', 'any WebAssembly, metered and contained: read, rewritten, run'],
    ['tasks', 'what a kind of task is, and the kinds that there are'],
    ['provide', 'what a provider accepts, and how it works it off'],
    ['ask/patience', 'when a provider counts as late, silent or broken'],
    ['ask/stops', 'where an answer ends, by the texts that its requester named'],
    ['ask', 'how a question gets its answer and survives its providers'],
    ['ask/jobs', 'many jobs, each run by volunteers who have to agree'],
    ['', 'what programs import'],
    ['testing', 'doubles'],
    ['suites', 'acceptance suites that every adapter passes'],
    ['fuzz', 'the fuzzer and its targets'],
  ],
  'signaling/src': [
    ['sockets', 'sockets of strangers: judged, counted, cut off'],
    ['store', 'the data folder and the database in it'],
    ['cluster', 'the ports between instances of the control plane, and what stands behind them'],
    ['receipts', 'leases given, receipts taken'],
    ['ledger/past', 'what happened long ago, in files'],
    ['ledger', 'credits: reserved, paid, given out, in one series of events'],
    ['ledger/pages', 'what people are shown of the ledger'],
    ['log', 'the events as a transparency log, and its witnesses'],
    ['restore', 'copies of the data folder, and events made again from the log'],
    ['registry', 'who is here and what they offer'],
    ['models', 'who has which models, by their own word'],
    ['price', 'what each offer costs now, and whether it can be paid'],
    ['audit/figures', 'what was counted and measured in audits'],
    ['audit/dues', 'what follows from audits for credits'],
    ['audit/auditors', 'who may check whom, and what their word is worth'],
    ['audit/share', 'how many answers are checked, and with which files'],
    ['audit', 'which answers are checked, by whom, and what follows'],
    ['keeping', 'who is asked to keep which models for others, and whether they do'],
    ['match', 'who gets which provider, and who waits'],
    ['metrics.ts', 'what /metrics says'],
    ['relay', 'the relay of last resort'],
    ['signal', 'PeerServer with bounds around it'],
    ['session', 'one connection on /mesh, and what it may ask for'],
    ['http', 'what answers HTTP and upgrades'],
    ['', 'composition'],
    ['testing', 'doubles'],
    ['suites', 'acceptance suites that every adapter passes'],
  ],
  'native-worker/src': [
    ['files', 'files of the data folder: whole, locked, hashed'],
    ['web', 'the way out of this computer, through a proxy where there is one'],
    ['cli', 'how a command talks to a person or a program'],
    ['sensors', 'what the machine says'],
    ['node', 'a peer in Node'],
    ['networks', 'the networks that this computer founded or joined'],
    ['log', 'the log of a mesh: recounted, witnessed, its forks kept'],
    ['models/transfer', 'files on web servers, in parts, and what to do when they stop coming'],
    ['models', 'model files: named, fetched, kept'],
    ['models/pieces', 'models piece by piece: kept, lent to peers, fetched from them'],
    ['llama/context', 'llama.cpp on this machine: device, memory, contexts, sequences'],
    ['models/lora', 'adapters: found, fetched, brought along, checked for a model'],
    ['contained', 'what strangers wrote, read where it can be ended'],
    ['jobs', 'programs of strangers, each in a process of its own'],
    ['llama/answer', 'one answer as it is written: planned, held to its form, closed in time, told in pieces'],
    ['llama/draft', 'guessing ahead'],
    ['llama/sampling', 'how the next token is chosen'],
    ['llama/score', 'answers of others, read to find what was not computed'],
    ['llama', 'the engine ports on llama.cpp'],
    ['lend/policy', 'when this computer lends; pure'],
    ['audit', 'questions that look like any other, to see who computes the answers'],
    ['status', 'the status of the worker, for anyone who looks'],
    ['lend', 'models on offer as long as their owner can spare them'],
    ['service', 'the worker as a service of the system'],
    ['gateway/request', "OpenAI's words in"],
    ['gateway/spoken', 'what of the text of a model is said, up to where it has to stop'],
    ['gateway/answer', "answers of the mesh, in OpenAI's words out"],
    ['gateway/responses', "the words of OpenAI's Responses, in and out"],
    ['gateway/messages', "the words of Anthropic's Messages, in and out"],
    ['gateway', 'server, routes, keys'],
    ['mcp', 'the mesh as tools of an assistant'],
    ['commands', 'one file a command of llmesh'],
    ['commands/models', 'commands about models'],
    ['commands/identity', 'commands about who this computer is'],
    ['commands/credits', 'commands about credits and votes'],
    ['commands/log', 'commands about the log'],
    ['commands/networks', 'commands about networks of your own'],
    ['', 'the command itself'],
    ['testing', 'doubles and files made for tests'],
    ['gateway/testing', 'a gateway with a mesh behind it'],
  ],
  'web/src': null,
};

/** The control plane needs only those rooms of core that both sides must agree on. */
const SHARED = [
  'base',
  'protocol',
  'wire',
  'policy',
  'identity',
  'receipts',
  'proof',
  'governance',
  'networks',
  'ledger',
];

const faults = [];
let largest = ['', 0];
let circles = 0;
for (const [source, rooms] of Object.entries(ROOMS)) {
  const files = filesIn(source);
  for (const [folder, count] of counted(files.map((file) => dirname(file)))) {
    if (count > largest[1]) largest = [folder, count];
    if (count > LARGEST) faults.push(`${folder} has ${count} files: a room has at most ${LARGEST}.`);
  }
  const code = new Set(files.filter((file) => /\.(ts|svelte)$/.test(file) && !/\.(test|d)\.ts$/.test(file)));
  const imports = new Map([...code].map((file) => [file, importsOf(file).filter((to) => code.has(to))]));
  for (const circle of circlesOf(imports)) {
    circles += 1;
    faults.push(`These import each other: ${circle.join(', ')}.`);
  }
  if (rooms === null) continue;
  const names = rooms.map(([name]) => name);
  const roomOf = (file) => {
    const below = file.slice(source.length + 1);
    const [room] = rooms.find(([name, , besides]) => name === below || besides === below) ?? [];
    return room ?? dirname(below).replace(/^\.$/, '');
  };
  for (const [file, targets] of imports) {
    if (!names.includes(roomOf(file))) faults.push(`${file} lies in no room of scripts/rooms.mjs.`);
    for (const target of targets) {
      if (names.indexOf(roomOf(target)) > names.indexOf(roomOf(file)))
        faults.push(`${file} imports ${target}: ${roomOf(target) || 'the root'} stands above ${roomOf(file)}.`);
    }
  }
}
for (const file of filesIn('signaling/src').filter(
  (name) => name.endsWith('.ts') && !/\.test\.ts$|\/(testing|suites)\//.test(name),
)) {
  for (const [, room] of readFileSync(file, 'utf8').matchAll(/'@llmesh\/core\/([^/']+)/g)) {
    if (!SHARED.includes(room))
      faults.push(`${file} imports core/${room}: signaling shares ${SHARED.join(', ')} with it.`);
  }
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stdout.write(`largest folder: ${largest[0]}, ${largest[1]} files\ncircles of files: ${circles}\n`);
if (faults.length > 0) process.exit(1);

function filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  // What lies in a hidden folder is made by the build.
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    });
}

function counted(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const code = file.endsWith('.svelte') ? (/<script[^>]*>([\s\S]*?)<\/script>/.exec(text)?.[1] ?? '') : text;
  const { importedFiles } = ts.preProcessFile(code, true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => join(dirname(file), fileName));
}

/** Tarjan, SIAM J. Comput. 1(2), 1972. */
function circlesOf(imports) {
  const [index, low, stack, found] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const target of imports.get(file)) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file), low.get(target)));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle);
  };
  for (const file of imports.keys()) {
    if (!index.has(file)) visit(file);
  }
  return found;
}
