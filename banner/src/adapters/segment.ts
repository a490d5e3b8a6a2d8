import { call, granted, type Adapter } from '../gate/adapter';

let may: boolean | undefined;

/** It has nothing to be told before its tag is there. */
export const start: Adapter['start'] = () => {};

/**
 * Segment's Analytics.js has no switch of its own: an event that a source middleware does not pass on is dropped.
 * https://segment.com/docs/connections/sources/catalog/libraries/website/javascript/middleware/
 */
export const change: Adapter['change'] = (now) => {
  if (may === undefined)
    call('analytics', 'addSourceMiddleware', ({ payload, next }: { payload: unknown; next: (payload: unknown) => void }) => {
      if (may) next(payload);
    });
  may = granted(now, VOLENTI.at.segment);
};
