/** The models as people tell them apart: by name. One that comes in several files is one entry, with the best file for this device. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import { offerName } from '@llmesh/core/policy/offer-name';
import { CHAT, taskOf, type Offer } from '@llmesh/core/wire/model-advert';
import type { Choice } from '../device/this-device.svelte.ts';
import { isFree } from '../offers.svelte.ts';
import { TINY_MODEL } from '../tiny-model.ts';

export interface ModelEntry {
  /** Tells it from the others. */
  key: string;
  name: string;
  summary: string | null;
  /** null: it is not in the catalogue, and nobody says. */
  parameters: number | null;
  /** What the page says about the model: its licence, and where to read more; null: it is not in the catalogue. */
  about: Pick<CatalogueModel, 'licence' | 'page'> | null;
  /** The offer of volunteers to ask first; null: nobody lends it now. */
  offer: Offer | null;
  /** All of them. */
  offers: readonly Offer[];
  /** Volunteers who lend any file of it. */
  providers: number;
  /** Questions that wait for it, whether or not anybody lends it. */
  waiting: number;
  /** The file for this device: the one that is here, else the best that fits; null: none fits, or the device was not measured. */
  here: Choice | null;
  /** The memory that its smallest file takes; null: it is not in the catalogue. */
  memoryBytes: number | null;
  /** Why no file of it runs here; null: one does, or it is not known. */
  whyNot: string | null;
  /** It came from the visitor's disk. */
  own: boolean;
  /** It is trained to show that the page works, and no assistant. */
  demo: boolean;
}

export interface Known {
  models: readonly CatalogueModel[];
  /** Those of the catalogue, and the visitor's own. Empty until the device was measured. */
  choices: readonly Choice[];
  offers: readonly Offer[];
  probe: Probe | null;
}

/** In the order of the catalogue; offers of other models and files follow, and the visitor's own come first. */
export function modelEntries({ models, choices, offers, probe }: Known): ModelEntry[] {
  const chats = offers.filter((offer) => taskOf(offer) === CHAT);
  const own = choices.filter((choice) => choice.own).map((choice) => entryOf([choice.model], [choice], [], probe));
  const named = new Map<string, CatalogueModel[]>();
  for (const model of models) named.set(model.name, [...(named.get(model.name) ?? []), model]);
  const catalogued = [...named.values()].map((files) => {
    const isOne = ({ id }: { id: string }) => files.some((file) => file.id === id);
    const mine = choices.filter(({ model, own: brought }) => !brought && isOne(model));
    return entryOf(
      files,
      mine,
      chats.filter((offer) => offer.alternative !== true && isOne(offer)),
      probe,
    );
  });
  const others = chats.filter((offer) => offer.alternative === true || !models.some(({ id }) => id === offer.id));
  return [...own, ...catalogued, ...others.filter(({ providers }) => providers > 0).map(strangerOf)];
}

function entryOf(
  files: readonly CatalogueModel[],
  choices: readonly Choice[],
  offers: readonly Offer[],
  probe: Probe | null,
): ModelEntry {
  const here = bestHere(choices, probe);
  const offer = bestOffer(offers);
  const [first] = files;
  const about = files.find(({ id }) => id === (here?.model.id ?? offer?.id)) ?? first;
  const own = choices.some((choice) => choice.own);
  return {
    key: own ? (first?.id ?? '') : `name:${first?.name ?? ''}`,
    name: first?.name ?? '',
    summary: about?.summary ?? null,
    parameters: about?.parameters ?? null,
    about: own || about === undefined ? null : about,
    offer,
    offers,
    providers: total(offers, 'providers'),
    waiting: total(offers, 'queued'),
    here,
    memoryBytes: files.length === 0 ? null : Math.min(...files.map((file) => file.memoryBytes)),
    whyNot: here === null ? nearestReason(choices) : null,
    own,
    demo: files.some(({ id }) => id === TINY_MODEL),
  };
}

/** A model of no catalogue, or another file under the name of one. */
function strangerOf(offer: Offer): ModelEntry {
  return {
    key: `offer:${offerName(offer)}`,
    name: offer.name,
    summary: null,
    parameters: null,
    about: null,
    offer,
    offers: [offer],
    providers: offer.providers,
    waiting: offer.queued,
    here: null,
    memoryBytes: null,
    whyNot: null,
    own: false,
    demo: false,
  };
}

/** One that starts now before one that is busy, then the faster. */
function bestOffer(offers: readonly Offer[]): Offer | null {
  const [best = null] = offers
    .filter(({ providers }) => providers > 0)
    .toSorted((a, b) => Number(isFree(b)) - Number(isFree(a)) || (b.tokensPerSecond ?? 0) - (a.tokensPerSecond ?? 0));
  return best;
}

/** What is here before what was begun, and then what runs fastest: on a real graphics card files made for it. */
function bestHere(choices: readonly Choice[], probe: Probe | null): Choice | null {
  const card = probe?.backend === 'webgpu' && !probe.software;
  const rank = ({ model, kept }: Choice) => [
    kept?.whole === true ? 2 : kept === null ? 0 : 1,
    Number((model.format === 'mlc') === card),
    // 16-bit arithmetic is faster where there is any.
    Number(model.format === 'mlc' && model.f16),
    -model.sizeBytes,
  ];
  const [best = null] = choices
    .filter(({ fit }) => fit.fits)
    .toSorted((a, b) => {
      const [left, right] = [rank(a), rank(b)];
      const at = left.findIndex((value, i) => value !== right[i]);
      return at < 0 ? 0 : (right[at] ?? 0) - (left[at] ?? 0);
    });
  return best;
}

/** Of the file that comes nearest to fitting. */
function nearestReason(choices: readonly Choice[]): string | null {
  const [nearest] = choices.toSorted((a, b) => a.model.memoryBytes - b.model.memoryBytes);
  return nearest === undefined || nearest.fit.fits ? null : nearest.fit.why;
}

function total(offers: readonly Offer[], what: 'providers' | 'queued'): number {
  return offers.reduce((sum, offer) => sum + offer[what], 0);
}
