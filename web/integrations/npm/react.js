import react from './react.cjs';

export const { useConsent, Gated, SettingsButton } = react;
