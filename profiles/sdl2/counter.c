// A window with a text that counts clicks; it tells of all that happens to it.
#include <SDL.h>
#include <SDL_ttf.h>
#include <stdio.h>

static const char kFont[] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, SDL_GetError());
  return 1;
}

static void draw(SDL_Window* window, TTF_Font* font, int clicks) {
  char line[32];
  snprintf(line, sizeof(line), "%d clicks", clicks);
  SDL_Surface* screen = SDL_GetWindowSurface(window);
  SDL_Surface* text = TTF_RenderUTF8_Blended(font, line, (SDL_Color){20, 20, 40, 255});
  SDL_FillRect(screen, NULL, SDL_MapRGB(screen->format, 220, 220, 235));
  SDL_Rect place = {(screen->w - text->w) / 2, (screen->h - text->h) / 2, 0, 0};
  SDL_BlitSurface(text, NULL, screen, &place);
  SDL_FreeSurface(text);
  SDL_UpdateWindowSurface(window);
}

static void tell_key(SDL_Keycode key) {
  SDL_DisplayMode mode;
  SDL_GetDesktopDisplayMode(0, &mode);
  printf("key %c on %dx%d\n", (int)key, mode.w, mode.h);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (SDL_Init(SDL_INIT_VIDEO) != 0 || TTF_Init() != 0) return failed("cannot begin");
  SDL_Window* window = SDL_CreateWindow("Counter", 0, 0, 320, 200, SDL_WINDOW_RESIZABLE);
  TTF_Font* font = TTF_OpenFont(kFont, 24);
  if (window == NULL || font == NULL) return failed("no window or no font");
  int clicks = 0, told = 0;
  draw(window, font, clicks);
  for (;;) {
    SDL_Event event;
    const int came = SDL_WaitEventTimeout(&event, told ? -1 : 200);
    if (!came && !told++) puts("shown");
    if (!came) continue;
    if (event.type == SDL_QUIT) break;
    if (event.type == SDL_MOUSEBUTTONUP) printf("clicks %d\n", ++clicks);
    if (event.type == SDL_KEYDOWN) tell_key(event.key.keysym.sym);
    if (event.type == SDL_WINDOWEVENT && event.window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
      printf("size %dx%d\n", event.window.data1, event.window.data2);
    if (event.type == SDL_MOUSEBUTTONUP || event.type == SDL_WINDOWEVENT)
      draw(window, font, clicks);
  }
  SDL_Quit();
  puts("closed");
}
