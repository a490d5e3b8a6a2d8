'use strict';
const { createElement, Fragment, useSyncExternalStore } = require('react');
const { granted, openSettings, subscribe } = require('./index.cjs');

const nothing = () => false;

/** Whether a category or vendor may be used now. False on the server and in the first render, so that hydration agrees. */
const useConsent = (key) => useSyncExternalStore(subscribe, () => granted(key), nothing);

/**
 * Renders its children once the category is granted; `fallback` until then. Where a vendor is named its own grant decides,
 * which follows its category unless it was set apart, as a film is that was allowed by itself.
 */
const Gated = ({ category, vendor, fallback = null, children }) =>
  createElement(Fragment, null, useConsent(vendor || category) ? children : fallback);

/** A button that opens the choices again; it takes what a <button> takes. */
const SettingsButton = ({ children, ...rest }) => createElement('button', { type: 'button', ...rest, onClick: openSettings }, children);

module.exports = { useConsent, Gated, SettingsButton };
