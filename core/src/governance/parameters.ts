/**
 * The few numbers that can be voted on: nothing else in the mesh changes by a vote. Each has bounds that no vote
 * passes, the largest step of one proposal, and a time in which it stays as it is after a change.
 */
export interface Parameter {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** A proposal differs from the present value by at most this. */
  readonly step: number;
  /** Days after a change in which no other is proposed. */
  readonly coolDownDays: number;
  readonly unit: string;
  /** What it decides, as a sentence. */
  readonly about: string;
}

/** Micro-credits in one credit, as in `ledger/credit.ts`, which stands above this room. */
const CREDIT = 1_000_000;
const PRICE_UNIT = 'micro-credits for 1,000 units';

function price(initial: number, files: string): Parameter {
  const about = `The price of a model whose file has ${files}, before quiet times lower it or busy ones raise it.`;
  return { initial, min: 1_000, max: 100 * CREDIT, step: initial, coolDownDays: 14, unit: PRICE_UNIT, about };
}

function thousandths(about: string, initial: number, [min, max]: [number, number], step: number): Parameter {
  return { initial, min, max, step, coolDownDays: 30, unit: 'thousandths', about };
}

function credits(about: string, initial: number, most: number, step: number): Parameter {
  const micro = { initial: initial * CREDIT, min: 0, max: most * CREDIT, step: step * CREDIT };
  return { ...micro, coolDownDays: 14, unit: 'micro-credits', about };
}

export const PARAMETERS = {
  'price-tiny': price(100_000, 'up to 1 GB'),
  'price-small': price(250_000, 'up to 4 GB'),
  'price-medium': price(1_000_000, 'up to 16 GB'),
  'price-large': price(4_000_000, 'more than 16 GB'),
  'demand-floor': thousandths(
    'What quiet times leave of the price, while volunteers have nothing to do.',
    500,
    [100, 1_000],
    100,
  ),
  'demand-ceiling': thousandths(
    'What busy times may raise the price to, while many wait.',
    3_000,
    [1_000, 10_000],
    1_000,
  ),
  'split-host': thousandths('The part of a payment that the volunteer gets.', 700, [500, 850], 25),
  'split-auditors': thousandths(
    'The part of a payment that pays those who check answers. The treasury gets the rest.',
    200,
    [50, 400],
    25,
  ),
  'task-reward': thousandths('What the mesh adds to a payment, for the volunteer.', 50, [0, 90], 10),
  'uptime-cap': credits('The most that the mesh pays a volunteer for being there for one hour.', 0.05, 1, 0.05),
  'storage-share': thousandths(
    'The part of what the mesh gives out for being there that is for keeping models which others need.',
    200,
    [0, 500],
    50,
  ),
  'storage-cap': credits('The most that the mesh pays a volunteer for keeping models for one hour.', 0.02, 1, 0.02),
  'pinned-copies': {
    ...{ initial: 3, min: 0, max: 20, step: 2, coolDownDays: 14, unit: 'copies' },
    about: 'How many volunteers the mesh wants to have each model of its catalogue, even if nobody asks for it.',
  },
  allowance: credits(
    'What a newcomer gets to begin with. It buys places in line, and is no income for anyone.',
    5,
    100,
    5,
  ),
  'allowances-per-network': {
    ...{ initial: 3, min: 1, max: 100, step: 2, coolDownDays: 14, unit: 'newcomers a day' },
    about: 'How many newcomers from one network get an allowance in one day.',
  },
  'audit-share': thousandths(
    'The share of answers that are checked, of those whose askers allow it.',
    20,
    [5, 100],
    10,
  ),
  'audit-fee': credits('What a volunteer who checks an answer is paid for it, whatever they find.', 0.2, 10, 1),
  'minimum-stake': credits('The stake that a volunteer needs to be paid for being there.', 0, 10_000, 100),
  'proposal-stake': credits('What a proposal puts aside for 14 days.', 100, 10_000, 100),
  slash: thousandths(
    'The part of their stake that volunteers lose whose answers were found to be made up.',
    100,
    [10, 500],
    50,
  ),
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

export function isParameter(name: string): name is ParameterName {
  return Object.hasOwn(PARAMETERS, name);
}

/** Why these values cannot hold together; null: they can. `of`: the value that a parameter would have. */
export function contradiction(of: (name: ParameterName) => number): string | null {
  if (of('split-host') + of('split-auditors') + of('task-reward') >= 1_000) {
    // Otherwise a ring that owns provider and auditors gets back all that it pays, and reward upon it.
    return 'What volunteer and auditors get and the reward have to be less than the payment together.';
  }
  return of('demand-floor') > of('demand-ceiling') ? 'The lowest demand has to be below the highest.' : null;
}
