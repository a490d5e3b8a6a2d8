import { categories, stored, vendors } from 'volenti:notice';
import type { Block } from './hold';
import { guard } from './page';
import type { Native } from './patch';
import { matches } from './withdraw';

/** Of a cookie that is being deleted. */
const deletes = (text: string): boolean => /;\s*max-age\s*=\s*(0|-)/i.test(text) || Date.parse(/;\s*expires\s*=([^;]*)/i.exec(text)?.[1] ?? '') < Date.now();

/**
 * Names that the notice declares for vendors that may not load are not stored, whoever stores them; a name that a vendor
 * who may load has declared too is. To delete is always allowed. What is written as a member (`localStorage.name = …`)
 * can't be seen: that is deleted with the next page.
 */
export const storage = ({ patch, allows }: Block): void => {
  const stops = (kind: number, name: unknown): boolean => {
    const claims = stored.filter((s) => s[1] === kind && matches(s[0], String(name)));
    return (
      claims.length > 0 &&
      !claims.some(([, , vendor]) => {
        const [service, category] = vendors[vendor]!;
        return allows({ dataset: { category: categories[category], service }, kept: true });
      })
    );
  };
  patch(Document.prototype, /^cookie$/, (_, [text]) => stops(0, String(text).split('=')[0]!.trim()) && !deletes(String(text)) && [undefined]);
  patch(Storage.prototype, /^setItem$/, (self, [name]) => stops(self === sessionStorage ? 2 : 1, name) && [undefined]);
  guard(() =>
    patch(CookieStore.prototype, /^set$/, (_, [what]) => stops(0, typeof what === 'object' ? (what as { name: string }).name : what) && [Promise.resolve()]),
  )();
  guard(() => {
    const native = Object.getOwnPropertyDescriptor(IDBFactory.prototype, 'open')!.value as Native;
    const value = function (this: IDBFactory, ...args: unknown[]): unknown {
      // As in a browser that keeps nothing.
      if (stops(3, args[0])) throw new DOMException('Held', 'SecurityError');
      return Reflect.apply(native, this, args);
    };
    Object.defineProperty(IDBFactory.prototype, 'open', { value, writable: true, configurable: true, enumerable: true });
  })();
};
