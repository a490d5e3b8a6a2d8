package visitor

// KeptAnswers is how many askers the current slot knows.
func (s *Script) KeptAnswers() int {
	slot := s.answers.current.Load()
	slot.mu.RLock()
	defer slot.mu.RUnlock()
	return len(slot.askers)
}
