C     Isotropic linear elasticity in rate form, as textbooks write it:
C        d(sigma) = lambda tr(de) 1 + 2 mu de
C     props: 1 Young's modulus, 2 Poisson's ratio. No state variables.
      subroutine vumat(
C Read only -
     1  nblock, ndir, nshr, nstatev, nfieldv, nprops, lanneal,
     2  stepTime, totalTime, dt, cmname, coordMp, charLength,
     3  props, density, strainInc, relSpinInc,
     4  tempOld, stretchOld, defgradOld, fieldOld,
     5  stressOld, stateOld, enerInternOld, enerInelasOld,
     6  tempNew, stretchNew, defgradNew, fieldNew,
C Write only -
     7  stressNew, stateNew, enerInternNew, enerInelasNew )
C
      include 'vaba_param.inc'
C
      dimension props(nprops), density(nblock), coordMp(nblock,*),
     1  charLength(nblock), strainInc(nblock,ndir+nshr),
     2  relSpinInc(nblock,nshr), tempOld(nblock),
     3  stretchOld(nblock,ndir+nshr),
     4  defgradOld(nblock,ndir+nshr+nshr),
     5  fieldOld(nblock,nfieldv), stressOld(nblock,ndir+nshr),
     6  stateOld(nblock,nstatev), enerInternOld(nblock),
     7  enerInelasOld(nblock), tempNew(nblock),
     8  stretchNew(nblock,ndir+nshr),
     9  defgradNew(nblock,ndir+nshr+nshr),
     1  fieldNew(nblock,nfieldv),
     2  stressNew(nblock,ndir+nshr), stateNew(nblock,nstatev),
     3  enerInternNew(nblock), enerInelasNew(nblock)
      character*80 cmname
      parameter ( one = 1.d0, two = 2.d0 )
C
      e = props(1)
      xnu = props(2)
      twomu = e / ( one + xnu )
      alamda = xnu * twomu / ( one - two * xnu )
      do 100 i = 1, nblock
        trace = strainInc(i,1) + strainInc(i,2) + strainInc(i,3)
        do k = 1, ndir
          stressNew(i,k) = stressOld(i,k)
     1      + twomu * strainInc(i,k) + alamda * trace
        end do
        do k = ndir + 1, ndir + nshr
          stressNew(i,k) = stressOld(i,k) + twomu * strainInc(i,k)
        end do
  100 continue
      return
      end
