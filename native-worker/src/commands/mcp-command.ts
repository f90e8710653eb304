/** `llmesh mcp`: the mesh as tools for an assistant, on stdin and stdout, until the assistant ends it. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { onAbort } from '@llmesh/core/base/abort';
import { asMeshError } from '@llmesh/core/base/errors';
import type { Output } from '../cli/output.ts';
import { ApiClient, type CallApi } from '../mcp/api-client.ts';
import { gatewayCaller } from '../mcp/gateway-caller.ts';
import { toolServer } from '../mcp/tool-server.ts';

const STOP_MS = 1_800;

export interface McpOptions {
  mesh: URL;
  /** Asks this gateway instead of joining the mesh. */
  gateway?: URL;
  /** Asked where a call names no model. */
  model?: string;
  hideAddress?: boolean;
}

/** Exit code: 0. `output` says nothing on stdout, which belongs to the protocol; questions and answers never reach it. */
export async function runMcp(options: McpOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  for (const end of ['end', 'close', 'error'] as const) process.stdin.once(end, () => stop.abort());
  process.stdout.once('error', () => stop.abort());
  onAbort(stop.signal, () => setTimeout(() => process.exit(0), STOP_MS).unref());
  const failed = (thrown: unknown) =>
    output.error(asMeshError(thrown, 'engine_failed', `A call failed: ${String(thrown)}`));
  const { call, close } = await caller(options, failed);
  const server = toolServer(new ApiClient(call), options.model);
  await server.connect(new StdioServerTransport());
  if (process.stdin.isTTY) output.note('This speaks to an assistant, which starts it: see docs/mcp.md. Ctrl-C stops.');
  await new Promise<void>((resolve) => onAbort(stop.signal, resolve));
  await server.close();
  await close();
  return 0;
}

async function caller(
  { gateway, mesh, hideAddress = false }: McpOptions,
  failed: (thrown: unknown) => void,
): Promise<{ call: CallApi; close: () => Promise<void> }> {
  const key = process.env['LLMESH_API_KEY'] || null;
  if (gateway !== undefined) return { call: gatewayCaller(gateway, key), close: () => Promise.resolve() };
  // Whoever asks a gateway needs no WebRTC.
  const { MeshCaller } = await import('../mcp/mesh-caller.ts');
  const joining = new MeshCaller({ mesh, hidden: hideAddress, failed });
  return { call: joining.call, close: () => joining.close() };
}
