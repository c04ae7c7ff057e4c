"""The photo library on the page, without Streamlit: what is shared by all visitors, and what they ask of it."""
