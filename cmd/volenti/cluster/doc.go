// Package cluster proves, in its tests, what several nodes on one PostgreSQL promise:
// nothing that was acknowledged is lost, nothing is there twice, and the log never forks,
// whatever is killed or cut off (docs/scale.md).
package cluster
