"""The site that `make docs` builds: pages from outside docs/, and reference pages made of the code itself."""
