// Package consent turns what a visitor decided into evidence: a decision is
// read strictly, joined with what the server knows of the question, encoded
// once, committed to the log, signed, and handed back as a receipt.
//
// Decode and Prepare judge what strangers send; Recorder keeps it durably;
// Verify checks a receipt with nothing but the public keys.
package consent
