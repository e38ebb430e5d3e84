// Hands a turn's events to whoever consumes them, one at a time: an event counts as taken when the
// consumer asks for the next one, so the loop never runs ahead of what is stored.

/** What an offer rejects with when the consumer has left; the loop unwinds and tells nobody. */
export class Abandoned extends Error {
  override name = "Abandoned";
}

export interface Rendezvous<Item, Ack> {
  /** Resolves when the consumer asked for what comes after `item`. @throws Abandoned when it has left. */
  offer(item: Item): Promise<Ack>;
  /** After the last offer: the iteration ends. */
  finish(): void;
  items: AsyncIterator<Item>;
}

/**
 * Many offerers, one consumer. Offers are handed over in their order. `ack` is called at the moment
 * an item counts as taken and its value is what the offer resolves with. `onLeave` is called once if
 * the consumer leaves before the end.
 */
export function rendezvous<Item, Ack>(ack: () => Ack, onLeave: () => void): Rendezvous<Item, Ack> {
  type Offer = { item: Item; taken: PromiseWithResolvers<Ack> };
  const waiting: Offer[] = [];
  let shown: Offer | undefined;
  let asker: PromiseWithResolvers<IteratorResult<Item>> | undefined;
  let over = false;

  const end: IteratorResult<Item> = { done: true, value: undefined };
  const show = (offer: Offer): IteratorResult<Item> => {
    shown = offer;
    return { done: false, value: offer.item };
  };

  return {
    offer(item) {
      if (over) return Promise.reject(new Abandoned());
      const offer = { item, taken: Promise.withResolvers<Ack>() };
      if (asker === undefined) {
        waiting.push(offer);
      } else {
        asker.resolve(show(offer));
        asker = undefined;
      }
      return offer.taken.promise;
    },
    finish() {
      over = true;
      asker?.resolve(end);
      asker = undefined;
    },
    items: {
      async next() {
        shown?.taken.resolve(ack());
        shown = undefined;
        const first = waiting.shift();
        if (first !== undefined) return show(first);
        if (over) return end;
        asker = Promise.withResolvers<IteratorResult<Item>>();
        return asker.promise;
      },
      async return() {
        if (!over) {
          over = true;
          onLeave();
          shown?.taken.reject(new Abandoned());
          for (const offer of waiting) offer.taken.reject(new Abandoned());
          waiting.length = 0;
        }
        return end;
      },
    },
  };
}
