import type { ButtonHTMLAttributes, ReactElement, ReactNode } from 'react';

/** Whether a category or vendor of the notice, by key, may be used now. False on the server and in the first render. */
export function useConsent(key: string): boolean;

export interface GatedProps {
  category: string;
  /** A vendor of that category: then its own grant decides. */
  vendor?: string;
  /** What stands in its place until it is granted. */
  fallback?: ReactNode;
  children?: ReactNode;
}

/** Renders its children once they are granted, and takes them away when that is withdrawn. */
export function Gated(props: GatedProps): ReactElement;

/** A button that opens the choices again. */
export function SettingsButton(props: ButtonHTMLAttributes<HTMLButtonElement>): ReactElement;
