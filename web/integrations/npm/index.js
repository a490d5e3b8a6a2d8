import volenti from './index.cjs';

export const { load, getState, granted, subscribe, onDecision, openSettings } = volenti;
