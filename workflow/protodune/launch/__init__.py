"""Start the ranks of one program: on this machine, or on every task of a Slurm or LSF allocation, and find each other."""
