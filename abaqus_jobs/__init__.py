"""Problems: decks and scripts of the impact jobs, their verification and the demo."""
