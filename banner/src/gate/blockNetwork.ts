import type { Block } from './hold';

/** Requests that scripts make themselves. They fail as they do without a network, and are not made again after a consent. */
export const network = ({ stops, patch }: Block): void => {
  patch(window, /^fetch/, (_, [what], name) => stops((what as Request | undefined)?.url ?? what) && [name === 'fetch' ? Promise.reject(new TypeError()) : { activated: false }]);
  // An address that no blob has fails by itself, with every event there is.
  patch(XMLHttpRequest.prototype, /^open$/, (_, args) => void (stops(args[1]) && (args[1] = 'blob:')));
  patch(Navigator.prototype, /^sendBeacon$/, (_, [address]) => stops(address) && [false]);
};
