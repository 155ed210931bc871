"""The pages of the Streamlit hub, one a file."""
