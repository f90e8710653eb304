/** `llmesh proposals`, `llmesh propose` and `llmesh vote`. */
import { MeshError } from '@llmesh/core/base/errors';
import type { ParameterView } from '@llmesh/core/wire/credit-pages';
import type { Output } from '../../cli/output.ts';
import { fetchCredits, fetchProposals } from '../credit-api.ts';
import { parameterLine, proposalLines, timeOf } from '../credit-words.ts';
import type { CreditOptions } from './own-peer.ts';
import { sendOrder } from './send-order.ts';

export const CHOICES = ['yes', 'no', 'abstain'] as const;
export type Choice = (typeof CHOICES)[number];

export async function showProposals({ mesh }: CreditOptions, output: Output): Promise<void> {
  const [{ parameters }, proposals] = await Promise.all([fetchCredits(mesh), fetchProposals(mesh)]);
  const lines = [
    ...(proposals.length === 0 ? ['Nothing was proposed yet.'] : proposals.flatMap(proposalLines)),
    'What can be voted on:',
    ...parameters.map(parameterLine),
  ];
  output.print(lines.join('\n'), { proposals, parameters });
}

export async function propose(name: string, value: number, options: CreditOptions, output: Output): Promise<void> {
  const { parameters } = await fetchCredits(options.mesh);
  checkProposal(parameters, name, value);
  await sendOrder({ kind: 'propose', parameter: name, value }, options);
  const opened = (await fetchProposals(options.mesh)).find(({ parameter, to }) => parameter === name && to === value);
  const vote =
    opened === undefined ? '' : ` Its number is ${opened.index}; votes count until ${timeOf(opened.closesMs)}.`;
  output.print(`Proposed ${name} = ${value}.${vote}`, { done: { kind: 'propose', parameter: name, value }, opened });
}

export async function vote(proposal: number, choice: Choice, options: CreditOptions, output: Output): Promise<void> {
  await sendOrder({ kind: 'vote', proposal, choice }, options);
  const now = (await fetchProposals(options.mesh)).find(({ index }) => index === proposal);
  const lines = [`Your ballot is in the log: ${choice}.`, ...(now === undefined ? [] : proposalLines(now))];
  output.print(lines.join('\n'), { done: { kind: 'vote', proposal, choice }, proposal: now });
}

/** Says what is possible instead of what is not. Throws order_refused. */
function checkProposal(parameters: readonly ParameterView[], name: string, value: number): void {
  const parameter = parameters.find((one) => one.name === name);
  if (parameter === undefined) {
    const names = parameters.map((one) => one.name).join(', ');
    throw new MeshError('order_refused', `Nobody can vote on "${name}". There are: ${names}.`);
  }
  const { value: now, min, max, step, unit } = parameter;
  if (value === now) throw new MeshError('order_refused', `${name} is ${now} ${unit} already.`);
  const [least, most] = [Math.max(min, now - step), Math.min(max, now + step)];
  if (value >= least && value <= most) return;
  throw new MeshError(
    'order_refused',
    `${name} is ${now} ${unit} now: a proposal can be anything from ${least} to ${most}.`,
  );
}
