/** At which rates lending is paid at present, from the rules of the mesh. A rule that is not known here is left out. */
import type { Credits } from '@llmesh/core/wire/credit-pages';
import { credits } from '../parts/amount/amount.ts';
import { valueWords } from '../votes/parameter-words.ts';

export function ratesOf({ parameters, uptimePerHour }: Pick<Credits, 'parameters' | 'uptimePerHour'>): {
  tasks: string;
  uptime: string;
  audits: string;
} {
  const words = (name: string): string | null => {
    const parameter = parameters.find((one) => one.name === name);
    return parameter === undefined ? null : valueWords(parameter, parameter.value);
  };
  const [host, reward, fee] = [words('split-host'), words('task-reward'), words('audit-fee')];
  const more = reward === null ? '' : `, and ${reward} more from the mesh`;
  return {
    tasks:
      host === null
        ? ''
        : `You get ${host} of what is paid for each answer${more}. People without credits are answered free.`,
    uptime:
      uptimePerHour === 0
        ? 'Nothing is given out for it at present.'
        : `${credits(uptimePerHour)} an hour at most; the more lend, the more share it. All of it if within a day you gave an answer that was checked or signed for, a quarter of it for a week.`,
    audits:
      fee === null ? '' : `${fee} for each answer that you check, paid a day after another volunteer found the same.`,
  };
}
