"""Electro-chemo-mechanics of a moving reaction front: rate laws in closed form, numpy and scipy only."""
