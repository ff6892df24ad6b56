# The app in a container: docker build -t inpainting . && docker run -p 7860:7860 inpainting
FROM python:3.12-slim

# Hugging Face runs containers as user 1000; nothing here needs more.
RUN useradd --create-home --uid 1000 app
WORKDIR /home/app/inpainting

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY --chown=app app.py pyproject.toml README.md LICENSE ./
COPY --chown=app inpainters inpainters
COPY --chown=app benchmark benchmark
COPY --chown=app demo demo
COPY --chown=app results results

RUN mkdir votes && chown app votes
USER app
ENV GRADIO_SERVER_NAME=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py", "--port", "7860"]
