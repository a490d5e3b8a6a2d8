// The second layer, fetched when it is wanted.
export { open } from '../ui/settings';
