/**
 * How likely tokens were. llama.cpp's binding tells it only after sampling has cut and scaled the candidates, and cannot
 * tell how likely a token was before that. So each place is sampled twice: once to choose, once to tell.
 */
import type { LlamaContext, LlamaModel, Token } from 'node-llama-cpp';
import { MAX_TOKEN_CHARACTERS, MAX_TOP_LOGPROBS, type TokenLogprob } from '@llmesh/core/protocol';

/** Private to node-llama-cpp 3.22.1. */
interface Sampler {
  applyConfig(config: object): void;
}
type SampleArguments = [
  place: number,
  sampler: Sampler,
  probabilities?: boolean,
  confidence?: boolean,
  logits?: false | [tokens: Token[], max: boolean, min: boolean, selected: boolean, top: number],
  totalWeight?: boolean,
];
type Sampled = [
  token: Token,
  probabilities?: number[] | undefined,
  confidence?: number | undefined,
  logits?: number[] | undefined,
  totalWeight?: number,
];
interface Context {
  sampleToken(...asked: SampleArguments): Promise<Token | Sampled>;
}
const NO_TOKEN = -1;

/**
 * From now on `evaluateWithMetadata(…, { probabilities: true })` on this context tells natural logarithms of how likely the
 * chosen token and the likeliest others were, before temperature, penalties and grammars. `probabilities` holds them.
 *
 * `controlledEvaluate` keeps its meaning, with one exception. Where it asks for the logits of one token and for no weight, it
 * is told what was drawn from; unless it asks for that, too, only where another token was drawn, for a whole vocabulary takes
 * 60 ms. If sampling has cut off the token that it asked for, it gets its logit, and that of the drawn one, as the model has
 * them; otherwise it gets no logits.
 */
export function tellOdds(context: LlamaContext, model: LlamaModel): void {
  const { _ctx: inner } = context as unknown as { _ctx: Context };
  const { _bindings: bindings } = model.llama as unknown as {
    _bindings: { AddonSampler: new (model: unknown) => Sampler };
  };
  const sampleToken = inner.sampleToken.bind(inner);
  let observer: Sampler | null = null;
  // It samples one place at a time.
  let looking: Promise<unknown> = Promise.resolve();
  const asModelHasThem = async (place: number, tokens: Token[], top = 0) => {
    if (observer === null) {
      observer = new bindings.AddonSampler((model as unknown as { _model: unknown })._model);
      observer.applyConfig({});
    }
    const raw = observer;
    const looked = looking.then(() => sampleToken(place, raw, false, false, [tokens, false, false, false, top], true));
    looking = looked.catch(() => {});
    return (await looked) as Sampled;
  };
  const drawnInstead = async (place: number, sampler: Sampler, expected: Token, isAlwaysTold: boolean) => {
    const first = await sampleToken(place, sampler, isAlwaysTold);
    const [token, told] = Array.isArray(first) ? first : [first];
    if (token === NO_TOKEN || token === expected) return [token, told] as Sampled;
    const [, probabilities = []] =
      told === undefined ? ((await sampleToken(place, sampler, true)) as Sampled) : (first as Sampled);
    const isCutOff = !probabilities.some((value, i) => i % 2 === 0 && value === expected);
    const logits = isCutOff ? (await asModelHasThem(place, [expected, token]))[3] : undefined;
    return [token, probabilities, undefined, logits] as Sampled;
  };
  const telling: Context['sampleToken'] = async (...asked) => {
    const [place, sampler, probabilities, , wished, isWeighed] = asked;
    const expected = Array.isArray(wished) && isWeighed !== true ? wished[0][0] : undefined;
    if (expected !== undefined) return drawnInstead(place, sampler, expected, probabilities === true);
    // An answer that is checked: what it is drawn from is told.
    if (probabilities !== true || wished !== undefined) return sampleToken(...asked);
    const token = await sampleToken(place, sampler);
    if (token === NO_TOKEN || Array.isArray(token)) return token;
    const [, , , logits = [], totalWeight = 1] = await asModelHasThem(place, [token], MAX_TOP_LOGPROBS);
    return [token, toLogprobs(logits, totalWeight)];
  };
  Object.defineProperty(inner, 'sampleToken', { value: telling });
}

/** Pairs of token and logit, the likeliest first; the weight of all: Σ exp(logit − the highest). */
function toLogprobs(pairs: readonly number[], totalWeight: number): number[] {
  const total = (pairs[1] ?? 0) + Math.log(totalWeight);
  return pairs.map((value, i) => (i % 2 === 0 ? value : Math.min(0, value - total)));
}

/** The odds of one token, with its `most` likeliest alternatives. `before`: the token before it. */
export function logprobOf(
  model: LlamaModel,
  token: Token,
  probabilities: ReadonlyMap<Token, number>,
  before: Token | undefined,
  most: number,
): TokenLogprob {
  const told = (one: Token, logprob: number) => ({
    text: model.detokenize([one], true, before === undefined ? [] : [before]).slice(0, MAX_TOKEN_CHARACTERS),
    logprob,
  });
  const likeliest = [...probabilities].toSorted(([, a], [, b]) => b - a).slice(0, most);
  return {
    ...told(token, probabilities.get(token) ?? -Infinity),
    top: likeliest.map(([one, logprob]) => told(one, logprob)),
  };
}
