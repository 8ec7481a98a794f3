"""The pipelines, one package each: thin nodes over the science. Only here is Kedro known."""
