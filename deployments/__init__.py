"""How Sentimill is deployed and served."""
