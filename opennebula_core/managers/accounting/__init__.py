"""The accounting manager: who used what and what that costs, and the series of measured figures."""
