/** `/api/price`: what a task would cost now, and how that comes about. */
import { Router, type Response } from 'express';
import type { Clock } from '@llmesh/core/base/clock';
import { isTaskName } from '@llmesh/core/base/ids';
import { findOffer, isMadeFor } from '@llmesh/core/policy/offer-name';
import { costOf, PLAIN, PRICE_VERSION, taskPrice } from '@llmesh/core/policy/price';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import { MAX_COMPLEXITY } from '@llmesh/core/wire/control-protocol';
import type { PriceQuote } from '@llmesh/core/wire/credit-pages';
import { CHAT, type Offer } from '@llmesh/core/wire/model-advert';
import type { PriceList } from '../price/price-list.ts';

/** Adding up what the mesh offers takes time: it is not done for every reader. */
const FRESH_MS = 1_000;

export interface PricePageNeeds {
  clock: Clock;
  offers: () => readonly Offer[];
  /** Null: this mesh has no credits, and everything is free. */
  prices: Pick<PriceList, 'of'> | null;
  sendError: (response: Response, status: number, code: string, message: string) => void;
}

export function pricePage({ clock, offers, prices, sendError }: PricePageNeeds): Router {
  let read = { offers: [] as readonly Offer[], atMs: -Infinity };
  const router = Router();
  router.get('/api/price', (request, response) => {
    const { model, task = CHAT } = request.query;
    const units = countIn(request.query['units'], PLAIN, MAX_LEASE_UNITS);
    const complexity = countIn(request.query['complexity'], PLAIN, MAX_COMPLEXITY);
    if (typeof model !== 'string' || !isTaskName(task) || units === null || complexity === null)
      return sendError(response, 400, 'bad_request', HOW);
    if (clock.now() - read.atMs >= FRESH_MS) read = { offers: offers(), atMs: clock.now() };
    const offer = findOffer(read.offers, model, task);
    if (offer === null || !isMadeFor(offer, task)) return sendError(response, 404, 'not_found', NOBODY);
    const { price: plain, base, demand } = prices?.of(offer) ?? { price: 0, base: 0, demand: PLAIN };
    const price = taskPrice(plain, complexity);
    const quote: PriceQuote = {
      ...{ price, priceVersion: PRICE_VERSION, units, cost: costOf(units, price) },
      ...{ base, demand, complexity },
    };
    response.json(quote);
  });
  return router;
}

/** Null: it is no whole number from 1 to `most`. */
function countIn(text: unknown, usual: number, most: number): number | null {
  if (text === undefined) return usual;
  const count = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= most ? count : null;
}

const HOW = `Give one "model", and if you like a "task", "units" from 1 to ${MAX_LEASE_UNITS}, and a "complexity" in thousandths.`;
const NOBODY = 'Nobody lends this model for this kind of task right now: /api/models lists what is lent.';
