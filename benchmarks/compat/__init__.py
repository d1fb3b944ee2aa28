"""`check` beside what models of many kinds really do in old and new engine releases."""
