/** `npm run compat`: clients that people use, unmodified, against a mesh of processes. Ends with code 1 when a cell is red. */
import { CompatMesh } from './compat-mesh.ts';
import { aiSdk } from './clients/ai-sdk.ts';
import { anthropic } from './clients/anthropic.ts';
import { cline, continueDev } from './clients/editors.ts';
import { langchain } from './clients/langchain.ts';
import { llamaindex } from './clients/llamaindex.ts';
import { mcp } from './clients/mcp.ts';
import { openaiAgents } from './clients/openai-agents.ts';
import { openaiChat } from './clients/openai-chat.ts';
import { openaiResponses } from './clients/openai-responses.ts';
import { tryAll, type ClientRow, type Fault } from './table.ts';

const ROWS: readonly ClientRow[] = [
  openaiChat,
  openaiResponses,
  openaiAgents('@openai/agents', true),
  openaiAgents('@openai/agents, chat completions', false),
  aiSdk('AI SDK', false),
  aiSdk('AI SDK, chat', true),
  anthropic,
  langchain('LangChain, LangGraph', false),
  langchain('LangChain, LangGraph, responses', true),
  llamaindex,
  continueDev,
  cline,
  mcp,
];

/** Programs of other people may leave sockets and timers open: this one ends when the table is done. */
process.exit(await run());

async function run(): Promise<number> {
  const only = process.argv[2]?.toLowerCase() ?? '';
  const mesh = new CompatMesh();
  try {
    await mesh.open();
    const rows = ROWS.filter(({ name }) => name.toLowerCase().includes(only));
    const { cells, red, flaky } = await tryAll(rows, mesh);
    for (const { client, feature, error } of [...flaky, ...red]) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`\n${client}, ${feature}: ${why}\n`);
    }
    const named = (faults: readonly Fault[]) => faults.map(({ client, feature }) => `${client}: ${feature}`);
    const result = { bench: 'compat', cells, green: cells - red.length, red: named(red), flaky: named(flaky) };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return red.length === 0 && cells > 0 ? 0 : 1;
  } finally {
    await mesh.close();
  }
}
