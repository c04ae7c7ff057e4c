"""The web page: `vectortag ui`, or `streamlit run` on app.py."""
