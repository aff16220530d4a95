"""What leaves Luthier for other programs: pictures of curves, scripts."""
