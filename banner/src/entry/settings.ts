// The second layer, and the note about changed policies: fetched when they are wanted.
export { note } from '../ui/note';
export { open } from '../ui/settings';
