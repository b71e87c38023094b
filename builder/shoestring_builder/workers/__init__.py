"""Who does the work: this process, several of this machine, or those of a Dask cluster."""
