/** `llmesh proposals`, `llmesh propose` and `llmesh vote`. */
import { MeshError } from '@llmesh/core/base/errors';
import { fieldOf, readField } from '@llmesh/core/ledger/parameter-field';
import type { ParameterView } from '@llmesh/core/wire/credit-pages';
import type { Output } from '../../cli/output.ts';
import { fetchCredits, fetchProposals } from '../credit-api.ts';
import { parameterLine, parameterWords, proposalLines, timeOf } from '../credit-words.ts';
import type { CreditOptions } from './own-peer.ts';
import { sendOrder } from './send-order.ts';

export const CHOICES = ['yes', 'no', 'abstain'] as const;
export type Choice = (typeof CHOICES)[number];

export async function showProposals({ mesh }: CreditOptions, output: Output): Promise<void> {
  const [{ parameters }, proposals] = await Promise.all([fetchCredits(mesh), fetchProposals(mesh)]);
  const lines = [
    ...(proposals.length === 0
      ? ['Nothing was proposed yet.']
      : proposals.flatMap((one) => proposalLines(one, parameters))),
    'What can be voted on:',
    ...parameters.map(parameterLine),
  ];
  output.print(lines.join('\n'), { proposals, parameters });
}

/** `text`: the value, as "llmesh proposals" shows such values. */
export async function propose(name: string, text: string, options: CreditOptions, output: Output): Promise<void> {
  const { parameters } = await fetchCredits(options.mesh);
  const { parameter, value } = readProposal(parameters, name, text);
  await sendOrder({ kind: 'propose', parameter: name, value }, options);
  const opened = (await fetchProposals(options.mesh)).find((one) => one.parameter === name && one.to === value);
  const ballots =
    opened === undefined ? '' : ` Its number is ${opened.index}; votes count until ${timeOf(opened.closesMs)}.`;
  const done = { kind: 'propose', parameter: name, value };
  output.print(`Proposed ${name} = ${parameterWords(parameter, value)}.${ballots}`, { done, opened });
}

export async function vote(proposal: number, choice: Choice, options: CreditOptions, output: Output): Promise<void> {
  await sendOrder({ kind: 'vote', proposal, choice }, options);
  const [{ parameters }, proposals] = await Promise.all([fetchCredits(options.mesh), fetchProposals(options.mesh)]);
  const now = proposals.find(({ index }) => index === proposal);
  const lines = [`Your ballot is in the log: ${choice}.`, ...(now === undefined ? [] : proposalLines(now, parameters))];
  output.print(lines.join('\n'), { done: { kind: 'vote', proposal, choice }, proposal: now });
}

/** Says what is possible instead of what is not. Throws order_refused. */
function readProposal(parameters: readonly ParameterView[], name: string, text: string) {
  const parameter = parameters.find((one) => one.name === name);
  if (parameter === undefined) {
    const names = parameters.map((one) => one.name).join(', ');
    throw new MeshError('order_refused', `Nobody can vote on "${name}". There are: ${names}.`);
  }
  const { value: now, min, max, step } = parameter;
  const value = readField(parameter, text);
  if (value === now) throw new MeshError('order_refused', `${name} is ${parameterWords(parameter, now)} already.`);
  const [least, most] = [Math.max(min, now - step), Math.min(max, now + step)];
  if (value !== null && value >= least && value <= most) return { parameter, value };
  const [from, to] = [least, most].map((each) => fieldOf(parameter, each));
  throw new MeshError(
    'order_refused',
    `${name} is ${parameterWords(parameter, now)} now: a proposal can be anything from ${from} to ${to}.`,
  );
}
