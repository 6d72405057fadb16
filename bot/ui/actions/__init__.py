"""Job buttons: custom ids, presses, and the actions behind them."""
