// What holds unmarked tags, for pages that began with nothing to hold, and what is rarely needed, for those that began with it.
export { createBlock } from '../gate/block';
export { more } from '../gate/blockMore';
