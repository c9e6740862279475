"""What an event is: types, regions, truth, and the HDF5 files of stores and products."""
