/** Every attack, by kind. */
import type { Attack } from '../attack.ts';
import { adverts } from './adverts.ts';
import { answers } from './answers.ts';
import { crowds } from './crowd.ts';
import { doors } from './doors.ts';
import { files } from './files.ts';
import { folders } from './folders.ts';
import { forms } from './forms.ts';
import { processes } from './processes.ts';

export const ATTACKS: readonly Attack[] = [
  ...[...forms, ...answers, ...files],
  ...[...crowds, ...adverts],
  ...[...doors, ...processes, ...folders],
];
