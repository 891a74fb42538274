"""Many solves of related instances: what-ifs, and what else is asked before signing."""
