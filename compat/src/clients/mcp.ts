/** An assistant that reaches the mesh as tools, through `llmesh mcp`. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { CallToolResultSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

const ROOT = path.join(import.meta.dirname, '../../..');

/** `joins`: it asks the mesh itself, and not a gateway. */
async function withTools<T>(mesh: CompatMesh, joins: boolean, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ name: 'compat', version: '1' });
  const where = joins ? ['--mesh', mesh.meshUrl] : ['--gateway', mesh.url];
  const args = ['native-worker/bin/llmesh.mjs', 'mcp', ...where];
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', LLMESH_API_KEY: mesh.key };
  const program = { command: process.execPath, args, cwd: ROOT, env, stderr: 'ignore' as const };
  await client.connect(new StdioClientTransport(program));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function ask(client: Client, input: object, options?: RequestOptions): Promise<CallToolResult> {
  const params = { name: 'ask', arguments: { ...input } };
  return CallToolResultSchema.parse(await client.callTool(params, CallToolResultSchema, options));
}

const textOf = ({ content }: CallToolResult) => (content[0]?.type === 'text' ? content[0].text : null);

export const mcp: ClientRow = {
  name: 'MCP client, llmesh mcp',
  cells: {
    whole: (mesh) =>
      withTools(mesh, true, async (client) => {
        const { tools } = await client.listTools();
        assert.deepEqual(
          tools.map(({ name }) => name).filter((name) => ['ask', 'embed', 'list_models'].includes(name)),
          ['ask', 'embed', 'list_models'],
        );
        checks.isAnswer(textOf(await ask(client, { question: mesh.short.question, model: mesh.model })), mesh);
      }),
    abort: (mesh) =>
      withTools(mesh, false, async (client) => {
        const stop = new AbortController();
        await mesh.breaksOff(async (begun) => {
          const asked = ask(client, { question: mesh.long.question, model: mesh.model }, { signal: stop.signal });
          await Promise.all([begun.then(() => stop.abort()), assert.rejects(asked, /abort/i)]);
        });
      }),
    errors: (mesh) =>
      withTools(mesh, false, async (client) => {
        const result = await ask(client, { question: 'Hello', model: checks.UNKNOWN_MODEL });
        assert.equal(result.isError, true);
        assert.match(textOf(result) ?? '', /nobody-lends-it/);
      }),
  },
};
